// SPDX-License-Identifier: GPL-2.0-only
// All devices of one guest: fills the device pages of the shared area (coop/guest/abi.h), answers the
// drivers' status handshake (virtio 1.2, section 3.1) and routes doorbells.
#pragma once

#include "coop/guest/abi.h"
#include "devices/device.hpp"
#include "devices/guest_ram.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace coop {

// Not thread-safe but for what the devices do behind InterruptLine. Destroy it (or reset_all) before guest
// RAM is unmapped.
class DeviceBus {
public:
    // raise(device): make the device's interrupt arrive in the guest. again(device): arrange for
    // doorbell(device, COOP_QUEUE_CONFIG), since a reset may be over. Both are called from any thread, and
    // must not call back.
    DeviceBus(GuestRam const& ram, std::function<void(unsigned device)> raise,
              std::function<void(unsigned device)> again);
    ~DeviceBus();
    DeviceBus(DeviceBus const&) = delete;
    DeviceBus& operator=(DeviceBus const&) = delete;

    // Called with the reason when a driver broke its device, from any thread; must not call back. Set it
    // before attach.
    void on_fault(std::function<void(unsigned device, std::string const& reason)> handler);

    // The device's number. Before attach. Throws std::length_error beyond COOP_MAX_DEVICES and
    // std::invalid_argument for a model that the ABI cannot express (queues, config size): both are mistakes
    // of the caller.
    unsigned add(std::shared_ptr<Device> device);
    unsigned count() const;

    // Fills the device pages. shared: a complete header in guest RAM with room for count() devices, else
    // std::invalid_argument. Call it before the guest starts.
    void attach(coop_shared* shared);

    // What a guest's doorbell asks for. queue: a queue or COOP_QUEUE_CONFIG. Any number is safe.
    void doorbell(unsigned device, unsigned queue);

    // As if every driver had reset its device; returns when no device touches guest memory.
    void reset_all();
    // The same without waiting: until idle(), which again tells.
    void begin_reset_all();
    // Whether no reset is under way.
    bool idle() const;

private:
    struct Slot;

    void command(Slot& slot);
    bool accept_features(Slot& slot);
    bool activate(Slot& slot);
    void reset(Slot& slot, std::uint32_t command, std::uint32_t status);
    bool finish_reset(Slot& slot);

    GuestRam const& ram_;
    std::function<void(unsigned)> raise_;
    std::function<void(unsigned)> again_;
    std::function<void(unsigned, std::string const&)> fault_;
    std::vector<std::unique_ptr<Slot>> slots_;
    bool attached_ = false;
};

} // namespace coop
