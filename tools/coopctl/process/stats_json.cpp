// SPDX-License-Identifier: GPL-2.0-only
// Counters as JSON.
#include "process/stats_json.hpp"

#include <fmt/format.h>
#include <iterator>
#include <nlohmann/json.hpp>

namespace coop::ctl {

nlohmann::json stats_json(coop_stats const& s, std::vector<NetCounters> const& nets) {
    static constexpr char const* reasons[] = {nullptr, "wait", "timer", "notify", "yield",
                                              "log",   "end",  "start", "send"};
    nlohmann::json doorbells = nlohmann::json::object();
    for (std::size_t i = 0; i < std::size(s.doorbells); ++i) {
        if (i < std::size(reasons) && reasons[i] != nullptr) {
            doorbells[reasons[i]] = s.doorbells[i];
        } else if (s.doorbells[i] != 0) {
            doorbells[fmt::format("reason-{}", i)] = s.doorbells[i];
        }
    }
    auto interfaces = nlohmann::json::array();
    for (auto const& net : nets) {
        interfaces.push_back({{"rx_frames", net.rx_frames},
                              {"rx_bytes", net.rx_bytes},
                              {"rx_dropped", net.rx_dropped},
                              {"tx_frames", net.tx_frames},
                              {"tx_bytes", net.tx_bytes},
                              {"tx_dropped", net.tx_dropped}});
    }
    return {{"switches", s.switches},
            {"doorbells", doorbells},
            {"interrupts_forwarded", s.interrupts_forwarded},
            {"nmis_forwarded", s.nmis_forwarded},
            {"machine_checks_forwarded", s.machine_checks_forwarded},
            {"entries_aborted", s.entries_aborted},
            {"events_injected", s.events_injected},
            {"self_interrupts", s.self_interrupts},
            {"guest_ns", s.guest_ns},
            {"wait_ns", s.wait_ns},
            {"ram_bytes", s.ram_bytes},
            {"frames_owned", s.frames_owned},
            {"interfaces", interfaces}};
}

} // namespace coop::ctl
