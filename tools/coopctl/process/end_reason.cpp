// SPDX-License-Identifier: GPL-2.0-only
// Words for COOP_END_*.
#include "process/end_reason.hpp"

#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coop::ctl {

namespace {

// SDM volume 3, table 6-1.
constexpr std::array<char const*, 22> exception_names = {
    "divide error",   "debug exception",   "NMI",         "breakpoint",         "overflow",
    "bound range",    "invalid opcode",    "no FPU",      "double fault",       "coprocessor overrun",
    "invalid TSS",    "segment missing",   "stack fault", "general protection", "page fault",
    "exception 15",   "x87 error",         "alignment",   "machine check",      "SIMD error",
    "virtualization", "control protection"};

constexpr std::uint64_t page_fault = 14;

std::string exception_text(coop_run const& run) {
    auto const name = run.detail < exception_names.size() ? std::string(exception_names[run.detail])
                                                          : fmt::format("exception {}", run.detail);
    auto text = fmt::format("the guest kernel had no handler for an exception: {} (vector {}) at rip {:#x}",
                            name, run.detail, run.rip);
    if (run.detail == page_fault) {
        text += fmt::format(", address {:#x}", run.address);
    }
    return text;
}

} // namespace

EndResult describe_end(coop_run const& run) {
    EndResult result;
    result.detail = run.detail;
    result.rip = run.rip;
    result.address = run.address;
    auto set = [&](char const* reason, std::string text, bool abnormal) {
        result.reason = reason;
        result.text = std::move(text);
        result.abnormal = abnormal;
    };
    switch (run.end) {
    case COOP_END_POWEROFF:
        set("poweroff", "the guest powered off", false);
        break;
    case COOP_END_REBOOT:
        set("reboot", "the guest rebooted", false);
        break;
    case COOP_END_HALT:
        set("halt", "the guest halted", false);
        break;
    case COOP_END_PANIC:
        set("panic", "the guest kernel panicked; `coopctl logs` has its last words", true);
        break;
    case COOP_END_KILLED:
        set("killed", "the guest was ended by force", true);
        break;
    case COOP_END_STUCK:
        set("stuck", fmt::format("the guest kept interrupts off beyond the limit, at rip {:#x}", run.rip),
            true);
        break;
    case COOP_END_EXCEPTION:
        set("exception", exception_text(run), true);
        break;
    case COOP_END_BAD_STATE:
        set("bad-state",
            fmt::format("the guest's saved state cannot be entered (detail {:#x}, rip {:#x})", run.detail,
                        run.rip),
            true);
        break;
    default:
        set("unknown", fmt::format("the driver reported the unknown end reason {}", run.end), true);
    }
    return result;
}

EndResult describe_error(std::string const& what) {
    EndResult result;
    result.reason = "error";
    result.text = what;
    result.abnormal = true;
    return result;
}

EndResult describe_lost() {
    EndResult result;
    result.reason = "lost";
    result.text = "the guest's process died without a report (killed?); its guest ended with it";
    result.abnormal = true;
    return result;
}

nlohmann::json to_json(EndResult const& r) {
    return {{"name", r.name},         {"reason", r.reason},   {"text", r.text},
            {"abnormal", r.abnormal}, {"detail", r.detail},   {"rip", r.rip},
            {"address", r.address},   {"started", r.started}, {"ended", r.ended}};
}

EndResult end_from_json(nlohmann::json const& json) {
    EndResult r;
    json.at("name").get_to(r.name);
    json.at("reason").get_to(r.reason);
    json.at("text").get_to(r.text);
    json.at("abnormal").get_to(r.abnormal);
    json.at("detail").get_to(r.detail);
    json.at("rip").get_to(r.rip);
    json.at("address").get_to(r.address);
    json.at("started").get_to(r.started);
    json.at("ended").get_to(r.ended);
    return r;
}

} // namespace coop::ctl
