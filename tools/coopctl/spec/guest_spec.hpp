// SPDX-License-Identifier: GPL-2.0-only
// What a guest is made of: the complete, checked description that the per-guest process works from.
#pragma once

#include "spec/net_spec.hpp"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace coop::ctl {

constexpr std::uint64_t memory_least = 32ull << 20; // of a guest

struct DiskSpec {
    std::string path; // absolute once in a GuestSpec
    bool readonly = false;
    std::string serial; // at most 20 bytes (virtio 1.2, 5.2.6.1); "" for none

    bool operator==(DiskSpec const&) const = default;
};

struct GuestSpec {
    std::string name;
    std::uint64_t memory = 0; // bytes, a multiple of 2 MiB
    std::string kernel;
    std::string initrd; // "" for none
    std::string cmdline;
    std::vector<DiskSpec> disks;
    std::vector<NetSpec> interfaces;
    unsigned vcpus = 1;
    bool reboot = true; // start again when the guest reboots

    bool operator==(GuestSpec const&) const = default;
};

// What one source (command line or configuration file) says; absent where it says nothing.
struct SpecOptions {
    std::optional<std::string> name;
    std::optional<std::uint64_t> memory;
    std::optional<std::string> kernel;
    std::optional<std::string> initrd;
    std::optional<std::string> cmdline;
    std::optional<std::vector<DiskSpec>> disks;
    std::optional<std::vector<NetSpec>> interfaces;
    std::optional<unsigned> vcpus;
    std::optional<bool> reboot;

    // Values of `stronger` win, key by key; a list replaces the other list.
    void override_with(SpecOptions const& stronger);
};

// Bounds and defaults; throws Failure (usage).
GuestSpec complete_spec(SpecOptions const& options);

// Each checks one value and throws Failure (usage); shared by the command line and the configuration file.
std::uint64_t check_memory(std::uint64_t bytes);
unsigned check_vcpus(std::int64_t count);
std::string check_text(char const* option, std::string text);
DiskSpec check_disk(DiskSpec disk);
// "path=IMG[,readonly][,serial=S]".
DiskSpec parse_disk(std::string const& text);

// For the hand-over between `coopctl start` and the per-guest process. from_json throws Failure on any
// mismatch.
nlohmann::json to_json(GuestSpec const& spec);
GuestSpec spec_from_json(nlohmann::json const& json);

} // namespace coop::ctl
