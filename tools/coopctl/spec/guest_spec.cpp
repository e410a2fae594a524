// SPDX-License-Identifier: GPL-2.0-only
// Checks, defaults and hand-over form of a guest's description.
#include "spec/guest_spec.hpp"

#include "coop/guest/abi.h"
#include "failure.hpp"
#include "spec/name.hpp"
#include "spec/size.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coop::ctl {

namespace {

constexpr std::uint64_t memory_unit = 2ull << 20;
constexpr std::uint64_t memory_most = 1ull << 46; // MAX_PHYSMEM_BITS of the guest kernel
constexpr std::uint64_t memory_default = 512ull << 20;
constexpr std::size_t serial_most = 20;
constexpr std::size_t devices_most = COOP_MAX_DEVICES - 1; // the console is one too

[[noreturn]] void usage(std::string const& what, std::string advice = {}) {
    throw Failure(ExitCode::usage, what, std::move(advice));
}

std::string absolute(std::string const& path) {
    return std::filesystem::absolute(path).lexically_normal().string();
}

template <typename T>
void take(std::optional<T>& mine, std::optional<T> const& stronger) {
    if (stronger) {
        mine = stronger;
    }
}

// A guest that is told nothing logs in on its console and takes its root from the first disk.
std::string default_cmdline(SpecOptions const& options) {
    std::string text = "console=hvc0";
    if (options.disks && !options.disks->empty()) {
        text += fmt::format(" root=/dev/vda {}", options.disks->front().readonly ? "ro" : "rw");
    }
    return text;
}

} // namespace

void SpecOptions::override_with(SpecOptions const& stronger) {
    take(name, stronger.name);
    take(memory, stronger.memory);
    take(kernel, stronger.kernel);
    take(initrd, stronger.initrd);
    take(cmdline, stronger.cmdline);
    take(disks, stronger.disks);
    take(interfaces, stronger.interfaces);
    take(vcpus, stronger.vcpus);
    take(reboot, stronger.reboot);
}

std::uint64_t check_memory(std::uint64_t bytes) {
    if (bytes < memory_least) {
        usage(fmt::format("too little memory: {}", format_size(bytes)),
              fmt::format("a guest needs {} or more; a number without a unit counts bytes",
                          format_size(memory_least)));
    }
    if (bytes % memory_unit != 0) {
        usage(fmt::format("bad memory size: {} is not a multiple of 2 MiB", format_size(bytes)),
              fmt::format("the next larger size is {}M", (bytes / memory_unit + 1) * 2));
    }
    if (bytes > memory_most) {
        usage(fmt::format("too much memory: {} is beyond what the guest kernel can address",
                          format_size(bytes)),
              fmt::format("at most {} can be given", format_size(memory_most)));
    }
    return bytes;
}

unsigned check_vcpus(std::int64_t count) {
    if (count < 1 || count > COOP_MAX_VCPUS) {
        usage(fmt::format("bad number of vCPUs: {}", count), fmt::format("use 1 to {}", COOP_MAX_VCPUS));
    }
    return static_cast<unsigned>(count);
}

std::string check_text(char const* option, std::string text) {
    for (unsigned char const c : text) {
        if (c < 0x20 || c == 0x7f) {
            usage(fmt::format("bad value for {}: it contains the control character 0x{:02x}", option, c),
                  "write it in one line of printable text");
        }
    }
    return text;
}

DiskSpec check_disk(DiskSpec disk) {
    check_text("disk path", disk.path);
    check_text("disk serial", disk.serial);
    if (disk.path.empty()) {
        usage("bad disk: it has no path", "write path=IMAGE[,readonly][,serial=TEXT]");
    }
    if (disk.serial.size() > serial_most) {
        usage(fmt::format("bad disk serial '{}': {} bytes", disk.serial, disk.serial.size()),
              fmt::format("a serial has at most {} bytes", serial_most));
    }
    return disk;
}

DiskSpec parse_disk(std::string const& text) {
    DiskSpec disk;
    bool have_path = false, have_readonly = false, have_serial = false;
    auto once = [&](bool& seen, std::string_view key) {
        if (seen) {
            usage(fmt::format("bad disk '{}': {} is given twice", text, key),
                  "give each disk an option of its own");
        }
        seen = true;
    };
    for (std::size_t at = 0; at <= text.size();) {
        auto const comma = std::min(text.find(',', at), text.size());
        auto const part = text.substr(at, comma - at);
        at = comma + 1;
        if (part.starts_with("path=")) {
            once(have_path, "path");
            disk.path = part.substr(5);
        } else if (part.starts_with("serial=")) {
            once(have_serial, "serial");
            disk.serial = part.substr(7);
        } else if (part == "readonly") {
            once(have_readonly, "readonly");
            disk.readonly = true;
        } else {
            usage(
                fmt::format("bad disk '{}': '{}' is not understood", text, part),
                "write path=IMAGE[,readonly][,serial=TEXT]; a path with a comma needs a configuration file");
        }
    }
    return check_disk(disk);
}

GuestSpec complete_spec(SpecOptions const& options) {
    GuestSpec spec;
    if (!options.name) {
        usage("the guest has no name", "give NAME, or `name` in the configuration file");
    }
    check_name(*options.name);
    if (!options.kernel || options.kernel->empty()) {
        usage("no kernel given", "use --kernel PATH, or `kernel` in the configuration file");
    }
    spec.name = *options.name;
    spec.memory = check_memory(options.memory.value_or(memory_default));
    spec.kernel = absolute(check_text("kernel", *options.kernel));
    if (options.initrd && !options.initrd->empty()) {
        spec.initrd = absolute(check_text("initrd", *options.initrd));
    }
    spec.cmdline = check_text("cmdline", options.cmdline.value_or(default_cmdline(options)));
    spec.vcpus = check_vcpus(options.vcpus.value_or(1));
    spec.reboot = options.reboot.value_or(true);
    spec.disks = options.disks.value_or(std::vector<DiskSpec>{});
    spec.interfaces = options.interfaces.value_or(std::vector<NetSpec>(1));
    if (spec.disks.size() + spec.interfaces.size() > devices_most) {
        usage(fmt::format("too many devices: {} disks and {} network interfaces", spec.disks.size(),
                          spec.interfaces.size()),
              fmt::format("at most {} fit", devices_most));
    }
    complete_nets(spec.interfaces, spec.name);
    for (auto& disk : spec.disks) {
        disk = check_disk(disk);
        disk.path = absolute(disk.path);
    }
    return spec;
}

nlohmann::json to_json(GuestSpec const& spec) {
    auto disks = nlohmann::json::array();
    for (auto const& disk : spec.disks) {
        disks.push_back({{"path", disk.path}, {"readonly", disk.readonly}, {"serial", disk.serial}});
    }
    auto interfaces = nlohmann::json::array();
    for (auto const& net : spec.interfaces) {
        interfaces.push_back(to_json(net));
    }
    return {{"name", spec.name},        {"memory", spec.memory},   {"kernel", spec.kernel},
            {"initrd", spec.initrd},    {"cmdline", spec.cmdline}, {"disks", disks},
            {"interfaces", interfaces}, {"vcpus", spec.vcpus},     {"reboot", spec.reboot}};
}

GuestSpec spec_from_json(nlohmann::json const& json) {
    try {
        SpecOptions options;
        options.name = json.at("name").get<std::string>();
        options.memory = json.at("memory").get<std::uint64_t>();
        options.kernel = json.at("kernel").get<std::string>();
        options.initrd = json.at("initrd").get<std::string>();
        options.cmdline = json.at("cmdline").get<std::string>();
        options.vcpus = check_vcpus(json.at("vcpus").get<std::int64_t>());
        options.reboot = json.at("reboot").get<bool>();
        options.disks.emplace();
        for (auto const& disk : json.at("disks")) {
            options.disks->push_back({disk.at("path").get<std::string>(), disk.at("readonly").get<bool>(),
                                      disk.at("serial").get<std::string>()});
        }
        options.interfaces.emplace();
        for (auto const& net : json.at("interfaces")) {
            options.interfaces->push_back(net_from_json(net));
        }
        return complete_spec(options);
    } catch (nlohmann::json::exception const& error) {
        throw Failure(ExitCode::usage, fmt::format("bad guest description: {}", error.what()));
    }
}

} // namespace coop::ctl
