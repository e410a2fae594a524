// SPDX-License-Identifier: GPL-2.0-only
#include "core/guest_fixture.hpp"

#include <catch2/catch.hpp>

#include <cstring>

namespace coop::test {

namespace {

constexpr std::uint64_t shared_offset = 2 * mib;
constexpr std::uint32_t vcpu_offset = 0x1000;
constexpr std::uint32_t device_offset = 0x2000;

} // namespace

coop_core_config core_config() {
    return {.tsc_khz = 2'000'000,
            .features = COOP_HOST_TSC_STABLE | COOP_HOST_NMI_KICK,
            .cpus = FakeHost::cpus,
            .stuck_limit_ns = 10'000'000'000};
}

coop_create create_request(const std::string& name, std::uint64_t ram_bytes) {
    coop_create request{};
    std::memcpy(request.name, name.data(), std::min<std::size_t>(name.size(), COOP_NAME_BYTES));
    request.ram_bytes = ram_bytes;
    request.runs[0] = 4 * mib;
    request.vcpus = 1;
    return request;
}

LoadedCore::LoadedCore(const coop_core_config& config) {
    REQUIRE(coop_core_load(&config) == 0);
}

CreatedGuest::CreatedGuest(const coop_create& request) {
    REQUIRE(coop_guest_create(&request, &handle) == 0);
    coop_extent extent{0, 0, 0, COOP_EXTENT_PLAIN, 0};
    for (std::uint32_t i = 0; extent.run != 0; ++i)
        REQUIRE(coop_guest_extent(handle, i, &extent) == 0);
    ram_start_ = extent.gpa;
    coop_shared& area = shared();
    area.magic = COOP_SHARED_MAGIC;
    area.abi_major = COOP_ABI_MAJOR;
    area.abi_minor = COOP_ABI_MINOR;
    area.size = device_offset + devices * 0x1000;
    area.vcpus = 1;
    area.vcpu_offset = vcpu_offset;
    area.devices = devices;
    area.device_offset = device_offset;
    area.tsc_khz = 2'000'000;
}

coop_shared& CreatedGuest::shared() const {
    return *static_cast<coop_shared*>(coop_host_ram_va(ram_start() + shared_offset));
}

coop_vcpu_page& CreatedGuest::page() const {
    return *static_cast<coop_vcpu_page*>(coop_host_ram_va(ram_start() + shared_offset + vcpu_offset));
}

coop_start CreatedGuest::start_request() const {
    return {.entry_gpa = ram_start() + 0x1000,
            .boot_params_gpa = ram_start() + 0x10000,
            .shared_gpa = ram_start() + shared_offset};
}

coop_stats CreatedGuest::stats() const {
    coop_stats stats{};
    REQUIRE(coop_guest_stats(handle, &stats) == 0);
    return stats;
}

int CreatedGuest::run() {
    last_run = coop_run{};
    return coop_guest_run(handle, &last_run);
}

coop_run CreatedGuest::run_to_end() {
    REQUIRE(run() == 0);
    return last_run;
}

GuestFixture::GuestFixture(const coop_core_config& config) : core{config} {
    const coop_start request = guest.start_request();
    REQUIRE(coop_guest_start(guest.handle, &request) == 0);
    host.forget_history(); // of what came before the guest could run
}

} // namespace coop::test
