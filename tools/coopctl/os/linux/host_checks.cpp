// SPDX-License-Identifier: GPL-2.0-only
// Host facts from /proc and /sys.
#include "os/host_checks.hpp"

#include "os/words.hpp"

#include <charconv>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

namespace coop::ctl {

namespace {

namespace fs = std::filesystem;

class Facts {
public:
    explicit Facts(fs::path root) : root_(std::move(root)) {
        std::istringstream words(field("proc/cpuinfo", "flags"));
        flags_ = {std::istream_iterator<std::string>(words), {}};
    }

    bool exists(char const* path) const {
        std::error_code ignored;
        return fs::exists(root_ / path, ignored);
    }
    std::string text(char const* path) const {
        std::ifstream stream(root_ / path);
        std::string all((std::istreambuf_iterator<char>(stream)), {});
        while (!all.empty() && all.back() == '\n') {
            all.pop_back();
        }
        return all;
    }
    // The value of the first "name : value" line.
    std::string field(char const* path, std::string_view name) const {
        std::ifstream stream(root_ / path);
        for (std::string line; std::getline(stream, line);) {
            auto const colon = line.find(':');
            auto const end =
                colon == std::string::npos ? colon : line.find_last_not_of(" \t", colon == 0 ? 0 : colon - 1);
            if (end != std::string::npos && std::string_view(line).substr(0, end + 1) == name) {
                auto const begin = line.find_first_not_of(" \t", colon + 1);
                return begin == std::string::npos ? "" : line.substr(begin);
            }
        }
        return {};
    }
    bool cpu(char const* flag) const { return flags_.contains(flag); }
    bool any_cpu_flags() const { return !flags_.empty(); }

private:
    fs::path root_;
    std::set<std::string> flags_;
};

Check lockdown(Facts const& facts) {
    auto const text = facts.text("sys/kernel/security/lockdown");
    auto const begin = text.find('['), end = text.find(']');
    if (begin == std::string::npos || end < begin) {
        bool const mounted = facts.exists("sys/kernel/security/lsm"); // in every securityfs
        return {"lockdown", "Kernel lockdown", mounted ? Verdict::good : Verdict::unknown,
                mounted ? "not in this kernel" : "unknown",
                mounted ? "" : "`mount -t securityfs none /sys/kernel/security` shows it"};
    }
    auto const mode = text.substr(begin + 1, end - begin - 1);
    bool const locked = mode == "integrity" || mode == "confidentiality";
    return {"lockdown", "Kernel lockdown", locked ? Verdict::problem : Verdict::good, mode,
            locked ? "guests run in ring 0, which lockdown forbids, so the module refuses: boot without "
                     "lockdown= and with Secure Boot off"
                   : ""};
}

Check signatures(Facts const& facts) {
    bool const enforced = facts.text("sys/module/module/parameters/sig_enforce") == "Y";
    return {"module-signatures", "Module signatures", enforced ? Verdict::note : Verdict::good,
            enforced ? "enforced" : "not enforced",
            enforced ? "sign coop.ko with a key this kernel trusts" : ""};
}

Check virtualization(Facts const& facts) {
    std::istringstream modules(facts.text("proc/modules"));
    std::string used;
    for (std::string line; std::getline(modules, line);) {
        std::istringstream words(line);
        std::string name, size;
        unsigned users = 0;
        words >> name >> size >> users;
        if ((name == "kvm_intel" || name == "kvm_amd") && users > 0) {
            used = name;
        }
    }
    auto text = used.empty() ? std::string("not in use") : fmt::format("in use by {}", used);
    if (facts.cpu("hypervisor")) {
        text += "; this host is a virtual machine itself";
    }
    return {"virtualization", "Virtualization", Verdict::good, text, ""};
}

// Of the kernels that have this interrupt, those with KVM's clock have it for these page faults alone.
Check async_page_faults(Facts const& facts) {
    auto const interrupts = facts.text("proc/interrupts");
    auto const clocks = facts.text("sys/devices/system/clocksource/clocksource0/available_clocksource");
    if (interrupts.empty() || clocks.empty()) {
        return {"async-page-faults", "Async page faults", Verdict::unknown, "unknown", ""};
    }
    bool const on =
        interrupts.find("HYP:") != std::string::npos && clocks.find("kvm-clock") != std::string::npos;
    return {"async-page-faults", "Async page faults", on ? Verdict::problem : Verdict::good,
            on ? "on" : "off",
            on ? "KVM sends them to guests, too, so the module refuses: boot the host with no-kvmapf" : ""};
}

Check tsc(Facts const& facts) {
    auto const source = facts.text("sys/devices/system/clocksource/clocksource0/current_clocksource");
    if (source.empty()) {
        return {"tsc", "TSC", Verdict::unknown, "unknown", ""};
    }
    bool const stable = source == "tsc" && facts.cpu("constant_tsc") && facts.cpu("nonstop_tsc");
    return {"tsc", "TSC", stable ? Verdict::good : Verdict::note,
            stable ? "stable" : fmt::format("not known to be stable (the host's clock source is {})", source),
            stable ? "" : "guest clocks may drift"};
}

Check memory(Facts const& facts) {
    auto const text = facts.field("proc/meminfo", "MemAvailable");
    std::uint64_t kib = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), kib).ec != std::errc{}) {
        return {"memory", "Memory", Verdict::unknown, "unknown", ""};
    }
    return memory_check(kib << 10, "available");
}

Check module_loaded(Facts const& facts) {
    bool const loaded = facts.exists("sys/module/coop");
    return {"module", "Module", loaded ? Verdict::good : Verdict::problem, loaded ? "loaded" : "not loaded",
            loaded ? "" : words::load_driver};
}

} // namespace

std::vector<Check> host_checks(fs::path const& root) {
    Facts const facts(root);
    std::vector<Check> checks;
    auto const model = facts.field("proc/cpuinfo", "model name");
    auto flag = [&](char const* id, char const* title, bool on, char const* yes, char const* no) {
        checks.push_back({id, title, facts.any_cpu_flags() ? Verdict::good : Verdict::unknown,
                          !facts.any_cpu_flags() ? "unknown"
                          : on                   ? yes
                                                 : no,
                          ""});
    };
    bool const wrong_cpu = facts.any_cpu_flags() && !facts.cpu("lm");
    checks.push_back({"cpu", "CPU", wrong_cpu ? Verdict::problem : Verdict::good,
                      model.empty() ? "unknown" : model, wrong_cpu ? "guests need an x86-64 CPU" : ""});
    flag("paging", "Paging", facts.cpu("la57"), "5-level", "4-level");
    flag("pcid", "PCID", facts.cpu("pcid"), "available", "not available");
    bool const fred = facts.cpu("fred"); // the kernel clears the flag unless FRED is on
    checks.push_back({"fred", "FRED", fred ? Verdict::problem : Verdict::good, fred ? "on" : "off",
                      fred ? "guests cannot run beside FRED: boot the host with fred=off" : ""});
    bool const no_nx = facts.any_cpu_flags() && !facts.cpu("nx");
    checks.push_back({"nx", "NX", no_nx ? Verdict::problem : Verdict::good, no_nx ? "off" : "on",
                      no_nx ? "guests need no-execute pages: switch them on in the firmware's setup" : ""});
    bool const cet = facts.cpu("ibt") || facts.cpu("user_shstk");
    checks.push_back({"cet", "CET", cet ? Verdict::note : Verdict::good, cet ? "available" : "not available",
                      cet ? "if it is on, it is off while a guest runs" : ""});
    checks.push_back(lockdown(facts));
    checks.push_back(signatures(facts));
    checks.push_back(virtualization(facts));
    checks.push_back(async_page_faults(facts));
    checks.push_back(tsc(facts));
    auto const meltdown = facts.text("sys/devices/system/cpu/vulnerabilities/meltdown");
    checks.push_back({"meltdown", "Meltdown", meltdown.empty() ? Verdict::unknown : Verdict::good,
                      meltdown.empty()             ? "unknown"
                      : meltdown == "Not affected" ? "not affected: guests run without page-table isolation"
                                                   : "affected: guests isolate their page tables",
                      ""});
    checks.push_back(
        {"nmi-eviction", "NMI eviction", Verdict::unknown, "known once the module is loaded", ""});
    checks.push_back(memory(facts));
    checks.push_back(module_loaded(facts));
    return checks;
}

} // namespace coop::ctl
