// SPDX-License-Identifier: GPL-2.0-only
// A guest that greets on its console, echoes what is typed and tells its window's size: the driver's side of
// a virtio console (virtio 1.2, 2.7 and 5.3), one buffer each way. "panic" and "reboot" do what they say.
#pragma once

#include "fake_driver.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace coop::ctl {

class EchoGuest {
public:
    // host must outlive it, and calls it on io's thread.
    explicit EchoGuest(FakeHost& host);

private:
    struct Queue {
        unsigned index;
        std::uint64_t gpa; // descriptor, rings and buffer, one page each
        std::uint16_t offered = 0;
        std::uint16_t used = 0;
    };

    void boot();
    void on_interrupt();
    void set_status(unsigned status);
    void offer(Queue& queue, std::uint32_t bytes, bool writable);
    bool take_used(Queue& queue, std::uint32_t& bytes);
    void print(std::string_view text);
    void typed(std::string const& text);

    FakeHost& host_;
    Queue receive_{};
    Queue transmit_{};
    std::string line_;
};

} // namespace coop::ctl
