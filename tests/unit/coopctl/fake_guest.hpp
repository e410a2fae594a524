// SPDX-License-Identifier: GPL-2.0-only
// What a guest's kernel does, by hand: the virtio handshake on its console.
#pragma once

#include "fake_driver.hpp"

#include <atomic>
#include <initializer_list>

namespace coop::ctl {

// Until DRIVER_OK (virtio 1.2, 3.1). On io's thread.
inline void bring_console_up(FakeHost& host) {
    constexpr std::uint64_t version_1 = 1ull << 32;
    for (unsigned const status : {1u, 3u, 11u, 15u}) {
        auto* const page = host.device_page(0);
        page->driver_features = version_1;
        page->status = status;
        std::atomic_ref(page->command).fetch_add(1);
        host.ring(0, COOP_QUEUE_CONFIG);
    }
}

} // namespace coop::ctl
