// SPDX-License-Identifier: GPL-2.0-only
// Words: why a guest ended, what the driver's refusals mean, page-table isolation.
#include "coop/host.h"
#include "failing.hpp"
#include "os/driver.hpp"
#include "os/words.hpp"
#include "process/command_line.hpp"
#include "process/driver_explain.hpp"
#include "process/end_reason.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace coop::ctl;

namespace {

EndResult end(coop_u32 reason, coop_u64 detail = 0, coop_u64 rip = 0, coop_u64 address = 0) {
    return describe_end(coop_run{0, reason, detail, rip, address});
}

} // namespace

TEST_CASE("each end has a word, a text and a verdict") {
    struct Case {
        coop_u32 end;
        char const* reason;
        bool abnormal;
    };
    for (auto const& each : {Case{COOP_END_POWEROFF, "poweroff", false},
                             Case{COOP_END_REBOOT, "reboot", false}, Case{COOP_END_HALT, "halt", false},
                             Case{COOP_END_PANIC, "panic", true}, Case{COOP_END_KILLED, "killed", true},
                             Case{COOP_END_STUCK, "stuck", true}, Case{COOP_END_EXCEPTION, "exception", true},
                             Case{COOP_END_BAD_STATE, "bad-state", true}, Case{4711, "unknown", true}}) {
        auto const result = end(each.end);
        CHECK(result.reason == each.reason);
        CHECK(result.abnormal == each.abnormal);
        CHECK_FALSE(result.text.empty());
    }
}

TEST_CASE("faults are told with address and instruction") {
    CHECK(end(COOP_END_EXCEPTION, 14, 0xffffffff81000010, 0xdead).text ==
          "the guest kernel had no handler for an exception: page fault (vector 14) at rip "
          "0xffffffff81000010, address 0xdead");
    CHECK(end(COOP_END_EXCEPTION, 6, 0x10).text ==
          "the guest kernel had no handler for an exception: invalid opcode (vector 6) at rip 0x10");
    CHECK(end(COOP_END_EXCEPTION, ~0ull, 0x10).text.find("vector 18446744073709551615") != std::string::npos);
    CHECK(end(COOP_END_STUCK, 0, 0x1234).text ==
          "the guest kept interrupts off beyond the limit, at rip 0x1234");
}

TEST_CASE("an end survives its file") {
    auto result = end(COOP_END_EXCEPTION, 13, ~0ull, 5);
    result.name = "g";
    result.started = 1;
    result.ended = 2;
    auto const back = end_from_json(nlohmann::json::parse(to_json(result).dump()));
    CHECK(back.name == "g");
    CHECK(back.reason == "exception");
    CHECK(back.text == result.text);
    CHECK(back.rip == ~0ull);
    CHECK(back.abnormal);
    CHECK(back.ended == 2);
}

TEST_CASE("an ABI mismatch names both sides") {
    coop_version version{COOP_IOCTL_MAJOR, COOP_IOCTL_MINOR + 5, COOP_ABI_MAJOR, 0, "b1"};
    CHECK(failing([&] { check_abi(version); }) == ""); // a newer minor is no obstacle
    version.ioctl_major = 9;
    CHECK(failing([&] { check_abi(version); }) == "6: ABI version mismatch: coopctl has control ABI 1.0 and "
                                                  "guest ABI 1.0, the loaded driver has 9.5 and 1.0 (b1)");
    version.ioctl_major = COOP_IOCTL_MAJOR;
    version.guest_abi_major = 2;
    CHECK(failing([&] { check_abi(version); }).starts_with("6: ABI version mismatch"));
}

TEST_CASE("a host's refusal is told in words") {
    coop_host_info host{};
    CHECK(failing([&] { check_host(host); }) == "");
    host.refusal = COOP_HOST_FRED;
    CHECK(failing([&] { check_host(host); }) ==
          fmt::format("6: this host cannot run guests: the host kernel uses FRED event delivery; {}",
                      words::no_fred));
    host.refusal = COOP_HOST_NO_NX;
    CHECK(failing([&] { check_host(host); }) ==
          "6: this host cannot run guests: the host kernel does not use no-execute "
          "pages (NX); switch them on in the firmware's setup");
    host.refusal = COOP_HOST_VBS;
    CHECK(failing([&] { check_host(host); }).find("virtualization-based security runs") != std::string::npos);
    host.refusal = COOP_HOST_ENCRYPTED;
    CHECK(failing([&] { check_host(host); }).find("memory is encrypted") != std::string::npos);
    for (auto const& [bit, text] :
         {std::pair(0x80000000u, "0x80000000"), std::pair(1u * COOP_HOST_LA57, "0x1")}) {
        host.refusal = bit; // of a newer driver: no guess what it means
        CHECK(failing([&] { check_host(host); }) ==
              fmt::format("6: this host cannot run guests: the driver refuses for reason {}", text));
    }
}

TEST_CASE("refusals of CREATE say what could be had") {
    GuestSpec spec;
    spec.name = "g";
    spec.memory = 3ull << 30;
    spec.vcpus = 4;
    coop_host_info host{};
    host.ram_available = 1ull << 30;
    auto text = [&](int error) {
        return std::string(explain_create(DriverError(COOP_REQUEST_CREATE, error), spec, host).what());
    };
    CHECK(text(COOP_E_EXISTS) == "a guest named 'g' runs already");
    CHECK(text(COOP_E_NO_MEMORY) == "the host cannot give 3 GiB of memory; about 1 GiB can be had now");
    CHECK(text(COOP_E_TOO_BIG) == "the host has no contiguous memory left for the guest's kernel or initrd");
    CHECK(text(COOP_E_NOT_SUPPORTED) == "this driver cannot run guests with 4 vCPUs");
    CHECK(text(COOP_E_INVALID) == "the driver refused CREATE: Invalid argument");
    spec.vcpus = 1;
    CHECK(text(COOP_E_NOT_SUPPORTED) == "the driver refused CREATE: Operation not supported");
}

TEST_CASE("page-table isolation follows the host unless the user chose") {
    CHECK(complete_command_line("", true) == "pti=on");
    CHECK(complete_command_line("quiet", true) == "pti=on quiet");
    CHECK(complete_command_line("quiet", false) == "pti=off quiet");
    CHECK(complete_command_line("quiet -- pti=on", false) == "pti=off quiet -- pti=on");
    for (auto const* chosen : {"pti=auto", "a nopti", "mitigations=off b"}) {
        CHECK(complete_command_line(chosen, true) == chosen);
        CHECK(complete_command_line(chosen, false) == chosen);
    }
    CHECK(complete_command_line("nopti2 xpti=on", true) == "pti=on nopti2 xpti=on");
}
