// SPDX-License-Identifier: GPL-2.0-only
// Makes coopctl, all of it, one whose driver is the fake.
#include "echo_guest.hpp"

namespace coop::ctl {

std::unique_ptr<Driver> open_driver() {
    static FakeHost host;
    static EchoGuest const guest(host);
    host.most_vcpus = 1;
    return host.open();
}

} // namespace coop::ctl
