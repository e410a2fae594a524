// SPDX-License-Identifier: GPL-2.0-only
// Boot layout: the runs it asks for, and what it writes into them, read back through Linux's own structures.
#include "boot/boot_layout.hpp"
#include "lazy_memory.hpp"
#include "test_kernel.hpp"

#include <catch2/catch.hpp>

#include <asm/bootparam.h>

#include <memory>

using namespace coop;
using namespace coop::test;
using Catch::Matchers::Contains;

namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t chunk = 2 * mib;

KernelImage const& kernel() {
    static KernelImage const image = *KernelImage::parse(make_kernel());
    return image;
}

BootRequest request(std::uint64_t ram = 64 * mib) {
    BootRequest boot;
    boot.kernel = &kernel();
    boot.command_line = "console=hvc0 root=/dev/vda";
    boot.ram_bytes = ram;
    boot.vcpus = 2;
    boot.devices = 3;
    boot.tsc_khz = 2'400'000;
    boot.wall_ns = 1'700'000'000'000'000'000;
    boot.wall_tsc = 12345;
    boot.shared_flags = COOP_SHARED_TSC_STABLE;
    return boot;
}

std::string refusal(BootRequest const& boot) {
    auto const runs = plan_runs(boot);
    return runs ? "" : runs.error().message + "; " + runs.error().advice;
}

// RAM as a driver gives it: the runs, then the rest in chunks; gap: bytes between extents. Pages that are
// never touched cost nothing.
class Host {
public:
    Host(BootRequest const& boot, std::uint64_t gap, std::uint64_t first = 0x2'4000'0000,
         std::uint64_t plain = chunk)
        : memory_{boot.ram_bytes} {
        auto const runs = *plan_runs(boot);
        std::uint64_t gpa = first;
        std::uint64_t offset = 0;
        auto const add = [&](std::uint64_t size, std::uint32_t run) {
            extents.push_back({gpa, size, offset, run, 0});
            mapped_.push_back({gpa, size, memory_.data() + offset});
            gpa += size + gap;
            offset += size;
        };
        add(runs[run_boot_data], run_boot_data); // not in the order of their numbers
        for (unsigned const run : {run_kernel, run_initrd}) {
            if (runs[run] > 0) {
                add(runs[run], run);
            }
        }
        while (offset < boot.ram_bytes) {
            add(std::min(plain, boot.ram_bytes - offset), COOP_EXTENT_PLAIN);
        }
        ram = std::make_unique<GuestRam>(mapped_);
    }

    template <typename T>
    T const* at(std::uint64_t gpa) const {
        auto const* p = ram->translate(gpa, sizeof(T));
        REQUIRE(p != nullptr);
        return reinterpret_cast<T const*>(p);
    }
    coop_extent const& run(unsigned index) const {
        return *std::find_if(extents.begin(), extents.end(),
                             [index](auto const& extent) { return extent.run == index; });
    }

    std::vector<coop_extent> extents;
    std::unique_ptr<GuestRam> ram;

private:
    LazyMemory memory_;
    std::vector<RamExtent> mapped_;
};

struct Region {
    std::uint64_t start;
    std::uint64_t bytes;
    std::uint32_t type;
    bool operator==(Region const&) const = default;
};

// The map as Linux reads it: the table, then each extension node of the chain.
std::vector<Region> read_e820(Host const& host, boot_params const& params) {
    std::vector<Region> map;
    auto const add = [&map](boot_e820_entry const* entries, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            map.push_back({entries[i].addr, entries[i].size, entries[i].type});
        }
    };
    REQUIRE(params.e820_entries <= E820_MAX_ENTRIES_ZEROPAGE);
    add(params.e820_table, params.e820_entries);
    for (std::uint64_t gpa = params.hdr.setup_data; gpa != 0;) {
        auto const* node = host.at<setup_data>(gpa);
        if (node->type == SETUP_E820_EXT) {
            REQUIRE(node->len % sizeof(boot_e820_entry) == 0);
            REQUIRE(node->len + sizeof(setup_data) <= 256 * 1024); // what early_memremap takes
            REQUIRE(host.ram->translate(gpa, sizeof(setup_data) + node->len) != nullptr);
            add(reinterpret_cast<boot_e820_entry const*>(node->data), node->len / sizeof(boot_e820_entry));
        }
        gpa = node->next;
    }
    return map;
}

std::vector<Region> joined(std::vector<coop_extent> const& extents) {
    std::vector<Region> map{{0, mib, 2}};
    for (auto const& extent : extents) {
        if (map.back().type == 1 && map.back().start + map.back().bytes == extent.gpa) {
            map.back().bytes += extent.size;
        } else {
            map.push_back({extent.gpa, extent.size, 1});
        }
    }
    return map;
}

} // namespace

TEST_CASE("runs are planned in chunks of 2 MiB", "[boot_layout]") {
    auto boot = request();
    auto runs = plan_runs(boot);
    REQUIRE(runs);
    CHECK((*runs)[run_kernel] == kernel().load_bytes());
    CHECK((*runs)[run_boot_data] == chunk);
    CHECK((*runs)[run_initrd] == 0);
    CHECK((*runs)[3] == 0);
    auto const initrd = filled(chunk + 1, 1);
    boot.initrd = initrd;
    runs = plan_runs(boot);
    REQUIRE(runs);
    CHECK((*runs)[run_initrd] == 2 * chunk);
    // A map of any size fits: it has no more entries than the guest takes.
    boot.ram_bytes = 1ull << 40;
    boot.vcpus = COOP_MAX_VCPUS;
    boot.devices = COOP_MAX_DEVICES;
    runs = plan_runs(boot);
    REQUIRE(runs);
    CHECK((*runs)[run_boot_data] == chunk);
}

TEST_CASE("what cannot boot is refused with a reason", "[boot_layout]") {
    auto boot = request();
    CHECK(refusal(boot).empty());
    boot.kernel = nullptr;
    CHECK_THAT(refusal(boot), Contains("no kernel"));

    boot = request();
    boot.command_line.assign(2047, 'a');
    CHECK(refusal(boot).empty());
    boot.command_line += 'a';
    CHECK_THAT(refusal(boot), Contains("2048 bytes, Linux takes 2047"));
    boot.command_line = std::string("a\0b", 3);
    CHECK_THAT(refusal(boot), Contains("NUL"));

    for (unsigned const vcpus : {0u, 65u, ~0u}) {
        boot = request();
        boot.vcpus = vcpus;
        CHECK_THAT(refusal(boot), Contains("vCPUs; choose 1 to 64"));
    }
    boot = request();
    boot.devices = 65;
    CHECK_THAT(refusal(boot), Contains("at most 64"));
    for (std::uint64_t const ram :
         {std::uint64_t{0}, mib, 64 * mib + 1, UINT64_MAX, UINT64_MAX & ~(chunk - 1)}) {
        boot = request();
        boot.ram_bytes = ram;
        CHECK_THAT(refusal(boot), Contains("multiple of 2 MiB"));
    }
    boot = request(4 * mib);
    CHECK_THAT(refusal(boot), Contains("at least 22 MiB"));
    CHECK(refusal(request(22 * mib)).empty());
    auto const initrd = filled(30 * mib, 1);
    boot = request();
    boot.initrd = initrd;
    CHECK_THAT(refusal(boot), Contains("at least 82 MiB"));
    boot.ram_bytes = 22 * mib;
    CHECK_THAT(refusal(boot), Contains("initrd of 30 MiB is larger"));
}

TEST_CASE("the zero page says what Linux expects", "[boot_layout]") {
    auto boot = request();
    auto const initrd = filled(3 * mib, 0x77);
    boot.initrd = initrd;
    Host const host{boot, chunk};
    auto const placed = place(boot, host.extents, *host.ram);
    REQUIRE(placed);
    CHECK(placed->start.entry_gpa == host.run(run_kernel).gpa + 0x40);

    auto const& params = *host.at<boot_params>(placed->start.boot_params_gpa);
    CHECK(params.sentinel == 0);
    CHECK(params.hdr.boot_flag == 0xaa55);
    CHECK(params.hdr.header == 0x53726448);
    CHECK(params.hdr.version == 0x20f);
    CHECK(params.hdr.type_of_loader == 0xff);
    CHECK(params.hdr.loadflags == LOADED_HIGH);
    CHECK(params.hdr.kernel_alignment == chunk);
    CHECK(params.hdr.cmdline_size == 2047);
    CHECK(params.acpi_rsdp_addr == 0);
    CHECK(params.screen_info.orig_video_isVGA == 0);

    std::uint64_t const command_line = params.hdr.cmd_line_ptr | std::uint64_t{params.ext_cmd_line_ptr} << 32;
    CHECK(command_line > 1ull << 32);
    CHECK(boot.command_line == host.at<char>(command_line));
    std::uint64_t const initrd_gpa = params.hdr.ramdisk_image | std::uint64_t{params.ext_ramdisk_image} << 32;
    CHECK(initrd_gpa == host.run(run_initrd).gpa);
    CHECK((params.hdr.ramdisk_size | std::uint64_t{params.ext_ramdisk_size} << 32) == initrd.size());
    CHECK(std::memcmp(host.at<char>(initrd_gpa), initrd.data(), initrd.size()) == 0);
    CHECK(*host.at<std::uint8_t>(placed->start.entry_gpa) == 0x11);
    CHECK(read_e820(host, params) == joined(host.extents));
}

TEST_CASE("without an initrd its fields are zero", "[boot_layout]") {
    auto const boot = request();
    Host const host{boot, chunk};
    auto const placed = place(boot, host.extents, *host.ram);
    REQUIRE(placed);
    auto const& params = *host.at<boot_params>(placed->start.boot_params_gpa);
    CHECK(params.hdr.ramdisk_image == 0);
    CHECK(params.hdr.ramdisk_size == 0);
    CHECK(params.ext_ramdisk_image == 0);
    CHECK(params.ext_ramdisk_size == 0);
}

TEST_CASE("the shared area is found through setup_data", "[boot_layout]") {
    auto const boot = request();
    Host const host{boot, chunk};
    auto const placed = place(boot, host.extents, *host.ram);
    REQUIRE(placed);
    auto const& params = *host.at<boot_params>(placed->start.boot_params_gpa);
    auto const* node = host.at<setup_data>(params.hdr.setup_data);
    CHECK(node->type == COOP_SETUP_DATA_TYPE);
    CHECK(params.hdr.setup_data + sizeof(setup_data) == placed->start.shared_gpa);
    CHECK(placed->start.shared_gpa % 4096 == 0);
    auto const* shared = host.at<coop_shared>(placed->start.shared_gpa);
    CHECK(shared == placed->shared);
    CHECK(shared->magic == COOP_SHARED_MAGIC);
    CHECK(shared->abi_major == COOP_ABI_MAJOR);
    CHECK(shared->size == node->len);
    CHECK(shared->size == 6 * 4096);
    CHECK(shared->vcpus == 2);
    CHECK(shared->vcpu_offset == 4096);
    CHECK(shared->devices == 3);
    CHECK(shared->device_offset == 3 * 4096);
    CHECK(shared->flags == COOP_SHARED_TSC_STABLE);
    CHECK(shared->tsc_khz == boot.tsc_khz);
    CHECK(shared->wall_ns == boot.wall_ns);
    CHECK(shared->wall_tsc == boot.wall_tsc);
    // What lies in one run must not overlap: the command line and the map survive a scribble over the shared
    // area.
    auto const map = read_e820(host, params);
    std::memset(static_cast<void*>(placed->shared), 0xff, placed->shared->size);
    CHECK(read_e820(host, params) == map);
    std::uint64_t const command_line = params.hdr.cmd_line_ptr | std::uint64_t{params.ext_cmd_line_ptr} << 32;
    CHECK(boot.command_line == host.at<char>(command_line));
}

TEST_CASE("memory maps of any length", "[boot_layout]") {
    // Entries: around the table's 128, a scattered guest of 3 GiB, and the most there can be.
    for (std::uint64_t const chunks : {124, 125, 126, 127, 128, 129, 1600, 4096}) {
        auto const boot = request(chunks * chunk);
        Host const host{boot, chunk};
        INFO(host.extents.size() << " extents");
        auto const placed = place(boot, host.extents, *host.ram);
        REQUIRE(placed);
        auto const map = read_e820(host, *host.at<boot_params>(placed->start.boot_params_gpa));
        CHECK(map.size() == host.extents.size() + 1);
        CHECK(map == joined(host.extents));
    }
}

TEST_CASE("neighbours are one entry of the map, but never fewer than two entries", "[boot_layout]") {
    auto const boot = request();
    Host const host{boot, 0};
    auto const placed = place(boot, host.extents, *host.ram);
    REQUIRE(placed);
    auto const map = read_e820(host, *host.at<boot_params>(placed->start.boot_params_gpa));
    REQUIRE(map.size() == 2);
    CHECK(map[0] == Region{0, mib, 2});
    CHECK(map[1] == Region{host.extents[0].gpa, boot.ram_bytes, 1});
}

TEST_CASE("extents that do not fit the plan are refused", "[boot_layout]") {
    auto const boot = request();
    Host const host{boot, chunk};
    auto const refused = [&](auto change) {
        auto extents = host.extents;
        change(extents);
        auto const placed = place(boot, extents, *host.ram);
        return placed ? std::string{} : placed.error().message;
    };
    CHECK_THAT(refused([](auto& extents) { extents.clear(); }), Contains("gave 0 MiB of RAM instead of 64"));
    CHECK_THAT(refused([](auto& extents) { extents.pop_back(); }), Contains("gave 62 MiB of RAM"));
    CHECK_THAT(refused([](auto& extents) { std::swap(extents[0], extents[1]); }), Contains("unsorted"));
    CHECK_THAT(refused([](auto& extents) { extents[0].gpa = 0; }), Contains("below 1 MiB"));
    CHECK_THAT(refused([](auto& extents) { extents[0].size = UINT64_MAX; }), Contains("overlapping"));
    CHECK_THAT(refused([](auto& extents) { extents[0].run = COOP_EXTENT_PLAIN; }), Contains("boot run 1"));
    CHECK_THAT(refused([](auto& extents) { extents[1].run = COOP_EXTENT_PLAIN; }), Contains("boot run 0"));
    CHECK_THAT(refused([](auto& extents) { extents[1].gpa += 4096; }), Contains("no aligned run"));
    CHECK_THAT(refused([](auto& extents) {
                   extents[1].size -= chunk;
                   extents[2].size += chunk;
               }),
               Contains("no aligned run"));
    CHECK_THAT(refused([](auto& extents) { extents[0].gpa -= chunk; }), Contains("not mapped"));
    CHECK_THAT(refused([](auto& extents) { extents.back().gpa = 1ull << 46; }),
               Contains("no more than 64 TiB"));
}

TEST_CASE("memory in more pieces than the guest takes is refused", "[boot_layout]") {
    auto const boot = request(4100 * chunk);
    Host const host{boot, chunk};
    auto const placed = place(boot, host.extents, *host.ram);
    REQUIRE_FALSE(placed);
    CHECK_THAT(placed.error().message, Contains("in " + std::to_string(host.extents.size()) + " pieces"));
}
