// SPDX-License-Identifier: GPL-2.0-only
// A guest's process with the fake driver and the echoing guest, for the tests of the commands.
// Usage: coopctl_fake_guest RUNTIME-DIRECTORY NAME KERNEL-FILE (which it writes)
#include "echo_guest.hpp"
#include "failure.hpp"
#include "process/guest_process.hpp"
#include "tiny_kernel.hpp"

#include <fmt/format.h>
#include <fstream>

using namespace coop::ctl;

int main(int count, char** words) {
    if (count != 4) {
        return 2;
    }
    FakeHost host;
    EchoGuest const guest(host);
    GuestSpec spec;
    spec.name = words[2];
    spec.memory = 64ull << 20;
    spec.kernel = words[3];
    spec.interfaces = parse_nets({"user,restrict"});
    complete_nets(spec.interfaces, spec.name);
    std::ofstream(spec.kernel, std::ios::binary) << tiny_kernel();
    host.print_log("early words\n");
    try {
        GuestProcess process(
            RuntimeDir(words[1]), spec, [&] { return host.open(); }, false, [] { fmt::print("ready\n"); });
        return process.run().abnormal ? 4 : 0;
    } catch (Failure const& failure) {
        fmt::print(stderr, "{}\n", failure.what());
        return static_cast<int>(failure.code());
    }
}
