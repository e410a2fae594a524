// SPDX-License-Identifier: GPL-2.0-only
// NotifierTable: which host event a doorbell for a device's queue wakes. Filled before the guest starts,
// read-only afterwards, so that doorbells need no lock.
#pragma once

#include "base/owned.hpp"
#include "coop/guest/abi.h"

#include <array>
#include <cstdint>

namespace coop {

class NotifierTable {
public:
    // queue: below COOP_MAX_QUEUES, or COOP_QUEUE_CONFIG. Context: may sleep. Fails: INVALID. Takes the
    // notifier over on success.
    Status set(std::uint32_t device, std::uint32_t queue, coop_host_notifier* notifier) {
        Notifier* slot = find(device, queue);
        if (!slot)
            return Error{COOP_E_INVALID};
        slot->reset(notifier);
        return ok;
    }

    // Context: any. False if there is nobody to wake.
    bool signal(std::uint64_t device, std::uint64_t queue) {
        const Notifier* slot = find(device, queue);
        if (!slot || !*slot)
            return false;
        coop_host_notifier_signal(slot->get());
        return true;
    }

private:
    static constexpr std::size_t slots_per_device = COOP_MAX_QUEUES + 1; // the last is COOP_QUEUE_CONFIG

    Notifier* find(std::uint64_t device, std::uint64_t queue) {
        if (device >= COOP_MAX_DEVICES || (queue >= COOP_MAX_QUEUES && queue != COOP_QUEUE_CONFIG))
            return nullptr;
        return &slots_[device * slots_per_device + (queue == COOP_QUEUE_CONFIG ? COOP_MAX_QUEUES : queue)];
    }

    std::array<Notifier, COOP_MAX_DEVICES * slots_per_device> slots_;
};

} // namespace coop
