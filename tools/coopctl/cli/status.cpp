// SPDX-License-Identifier: GPL-2.0-only
// `coopctl list`, `coopctl status` and `coopctl stats`.
#include "cli/client.hpp"
#include "cli/commands.hpp"
#include "cli/table.hpp"
#include "spec/net_spec.hpp"
#include "spec/size.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coop::ctl {

namespace {

using Json = nlohmann::json;

Json ended_status(EndResult const& result) {
    return {{"name", result.name}, {"state", "ended"}, {"end", to_json(result)}};
}

// A guest that ends between two questions is an ended guest, not an error of `list`.
Json status_of(RuntimeDir const& directory, RuntimeDir::Entry const& entry) {
    if (entry.process) {
        try {
            return Client(directory, entry.name).request(StatusRequest{});
        } catch (Failure const& failure) {
            auto const again = directory.find(entry.name);
            if (again && again->process && directory.without_socket(entry.name)) {
                return {{"name", entry.name}, {"state", "starting"}, {"pid", *again->process}};
            }
            if (again && again->process) {
                return {{"name", entry.name},
                        {"state", "unresponsive"},
                        {"pid", *again->process},
                        {"error", failure.what()}};
            }
            return again ? ended_status(*again->last) : Json();
        }
    }
    return ended_status(*entry.last);
}

std::string seconds(std::uint64_t nanoseconds) {
    return fmt::format("{:.3f} s", static_cast<double>(nanoseconds) / 1e9);
}

std::string list_detail(Json const& status) {
    if (status.contains("end")) {
        return status["end"].value("text", "");
    }
    return status.value("error", "");
}

std::vector<std::string> list_row(Json const& status) {
    bool const live = status.contains("memory");
    return {status.value("name", ""),
            status.value("state", ""),
            status.contains("pid") ? std::to_string(status.value("pid", std::int64_t{0})) : "-",
            live ? format_size(status.value("memory", std::uint64_t{0})) : "-",
            live ? std::to_string(status.value("vcpus", 0)) : "-",
            live ? format_duration(status.value("uptime", std::int64_t{0})) : "-",
            list_detail(status)};
}

std::string net_text(Json const& json) {
    auto const net = net_from_json(json);
    auto text = fmt::format("user, {}{}{}", net.mac, net.restricted ? ", restricted" : "",
                            net.link_up ? "" : ", link down");
    for (auto const& forward : net.forwards) {
        text += ", forward " + to_text(forward);
    }
    return text;
}

void print_running(Json const& s) {
    std::vector<std::pair<std::string, std::string>> rows = {
        {"Name", s.value("name", "")},
        {"State", s.value("state", "")},
        {"Process", std::to_string(s.value("pid", std::int64_t{0}))}};
    if (s.contains("error")) {
        rows.emplace_back("Problem", s.value("error", ""));
    }
    if (s.contains("memory")) {
        rows.emplace_back("Started", format_time(s.value("started", std::int64_t{0})));
        rows.emplace_back("Up", format_duration(s.value("uptime", std::int64_t{0})));
        rows.emplace_back("Memory", format_size(s.value("memory", std::uint64_t{0})));
        rows.emplace_back("vCPUs", std::to_string(s.value("vcpus", 0)));
        rows.emplace_back("Kernel", s.value("kernel", ""));
        rows.emplace_back("Initrd", s.value("initrd", "").empty() ? "-" : s.value("initrd", ""));
        rows.emplace_back("Command line", s.value("cmdline", ""));
        for (auto const& disk : s.value("disks", Json::array())) {
            rows.emplace_back("Disk", fmt::format("{}{}", disk.value("path", ""),
                                                  disk.value("readonly", false) ? " (read-only)" : ""));
        }
        for (auto const& net : s.value("interfaces", Json::array())) {
            rows.emplace_back("Network", net_text(net));
        }
        rows.emplace_back("Reboots", std::to_string(s.value("reboots", 0)));
    }
    fmt::print("{}", fields(rows));
}

void print_ended(Json const& status) {
    auto const end = end_from_json(status.at("end"));
    std::vector<std::pair<std::string, std::string>> rows = {
        {"Name", end.name}, {"State", "ended"}, {"Reason", end.reason}, {"Explanation", end.text}};
    if (end.rip != 0) {
        rows.emplace_back("RIP", fmt::format("{:#x}", end.rip));
    }
    rows.emplace_back("Started", format_time(end.started));
    rows.emplace_back("Ended", format_time(end.ended));
    fmt::print("{}", fields(rows));
}

} // namespace

int list_command(Arguments const& arguments) {
    auto const directory = arguments.runtime_dir();
    directory.check_readable();
    bool const all = arguments.flag("all");
    auto guests = Json::array();
    for (auto const& entry : directory.list()) {
        if (!entry.process && !all) {
            continue;
        }
        auto status = status_of(directory, entry);
        if (status.is_object() && (all || status.value("state", "") != "ended")) {
            guests.push_back(std::move(status));
        }
    }
    if (arguments.json()) {
        print_json(guests);
        return 0;
    }
    std::vector<std::vector<std::string>> rows = {
        {"NAME", "STATE", "PID", "MEMORY", "VCPUS", "UP", "DETAIL"}};
    for (auto const& guest : guests) {
        rows.push_back(list_row(guest));
    }
    fmt::print("{}", table(rows));
    return 0;
}

int status_command(Arguments const& arguments) {
    auto const directory = arguments.runtime_dir();
    auto const name = arguments.guest_name();
    directory.check_readable();
    auto const entry = directory.find(name);
    auto const status = entry ? status_of(directory, *entry) : Json();
    if (!status.is_object()) {
        throw not_running(directory, name);
    }
    if (arguments.json()) {
        print_json(status);
    } else if (status.contains("end")) {
        print_ended(status);
    } else {
        print_running(status);
    }
    return 0;
}

int stats_command(Arguments const& arguments) {
    auto const s = Client(arguments.runtime_dir(), arguments.guest_name()).request(StatsRequest{});
    if (arguments.json()) {
        print_json(s);
        return 0;
    }
    auto number = [&](char const* key) { return std::to_string(s.value(key, std::uint64_t{0})); };
    std::vector<std::pair<std::string, std::string>> rows = {
        {"Switches into the guest", number("switches")},
        {"Time in the guest", seconds(s.value("guest_ns", std::uint64_t{0}))},
        {"Time idle", seconds(s.value("wait_ns", std::uint64_t{0}))}};
    auto const doorbells = s.value("doorbells", Json::object());
    for (auto const& [reason, count] : doorbells.items()) {
        rows.emplace_back("Doorbells, " + reason, count.dump());
    }
    rows.insert(rows.end(), {{"Host interrupts forwarded", number("interrupts_forwarded")},
                             {"NMIs forwarded", number("nmis_forwarded")},
                             {"Machine checks forwarded", number("machine_checks_forwarded")},
                             {"Entries aborted", number("entries_aborted")},
                             {"Events injected", number("events_injected")},
                             {"Self-interrupts", number("self_interrupts")},
                             {"Guest RAM", format_size(s.value("ram_bytes", std::uint64_t{0}))},
                             {"Frames owned", number("frames_owned")}});
    auto const interfaces = s.value("interfaces", Json::array());
    for (std::size_t i = 0; i < interfaces.size(); ++i) {
        auto count = [&](char const* key) { return interfaces[i].value(key, std::uint64_t{0}); };
        rows.emplace_back(fmt::format("Network {}, to the guest", i),
                          fmt::format("{} frames, {}, {} dropped", count("rx_frames"),
                                      format_size(count("rx_bytes")), count("rx_dropped")));
        rows.emplace_back(fmt::format("Network {}, from the guest", i),
                          fmt::format("{} frames, {}, {} dropped", count("tx_frames"),
                                      format_size(count("tx_bytes")), count("tx_dropped")));
    }
    fmt::print("{}", fields(rows));
    return 0;
}

} // namespace coop::ctl
