// SPDX-License-Identifier: GPL-2.0-only
// Everything the guest kernel needs in memory at entry; see boot_layout.hpp.
#include "boot/boot_layout.hpp"

#include "base/address.hpp"
#include "boot/boot_data.hpp"
#include "boot/boot_params.hpp"
#include "boot/e820.hpp"
#include "boot/little_endian.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include <fmt/format.h>

namespace coop {
namespace {

// What Linux needs beside its image to get to user space at all.
constexpr std::uint64_t working_bytes = 16ull << 20;
constexpr std::uint64_t mebibyte = 1 << 20;
constexpr std::uint64_t largest_address = 1ull << COOP_PHYSICAL_BITS;
// What to do about a driver whose answers make no sense.
constexpr char mismatched_driver[] = "driver and program do not belong together";

// Every 2 MiB of RAM may be an entry of its own, and one is reserved.
BootDataLayout largest_layout(BootRequest const& request) {
    return {request.vcpus, request.devices,
            std::min<std::uint64_t>(request.ram_bytes / large_page_bytes + 1, COOP_MAX_E820_ENTRIES)};
}

Expected<void> check(BootRequest const& request) {
    if (request.kernel == nullptr) {
        return Failure{"no kernel to boot", "name one"};
    }
    if (request.command_line.size() > max_command_line) {
        return Failure{fmt::format("kernel command line has {} bytes, Linux takes {}",
                                   request.command_line.size(), max_command_line),
                       "shorten it"};
    }
    if (request.command_line.find('\0') != std::string::npos) {
        return Failure{"kernel command line contains a NUL byte", "remove it"};
    }
    if (request.vcpus == 0 || request.vcpus > COOP_MAX_VCPUS) {
        return Failure{fmt::format("{} vCPUs", request.vcpus), fmt::format("choose 1 to {}", COOP_MAX_VCPUS)};
    }
    if (request.devices > COOP_MAX_DEVICES) {
        return Failure{fmt::format("{} devices", request.devices),
                       fmt::format("at most {} fit", COOP_MAX_DEVICES)};
    }
    // Sums below stay far from 2^64.
    if (request.ram_bytes == 0 || !is_aligned(request.ram_bytes, large_page_bytes) ||
        request.ram_bytes > largest_address) {
        return Failure{fmt::format("{} bytes of RAM", request.ram_bytes),
                       "choose a multiple of 2 MiB up to 64 TiB"};
    }
    if (request.initrd.size() > request.ram_bytes) {
        return Failure{fmt::format("initrd of {} MiB is larger than the guest's RAM of {} MiB",
                                   request.initrd.size() / mebibyte, request.ram_bytes / mebibyte),
                       "give it more RAM"};
    }
    return {};
}

// The extent that was taken for a run.
struct Run {
    std::uint64_t gpa = 0;
    std::span<std::byte> memory;
};

Expected<Run> find_run(unsigned index, std::uint64_t wanted, std::span<coop_extent const> extents,
                       GuestRam const& ram) {
    auto const found = std::find_if(extents.begin(), extents.end(),
                                    [index](auto const& extent) { return extent.run == index; });
    if (found == extents.end() || found->size < wanted || !is_aligned(found->gpa, large_page_bytes)) {
        return Failure{
            fmt::format("the driver gave no aligned run of {} MiB for boot run {}", wanted / mebibyte, index),
            mismatched_driver};
    }
    std::byte* memory = ram.translate(found->gpa, wanted);
    if (memory == nullptr) {
        return Failure{fmt::format("boot run {} at {:#x} is not mapped in one piece", index, found->gpa),
                       mismatched_driver};
    }
    return Run{found->gpa, {memory, wanted}};
}

Expected<void> check_extents(std::span<coop_extent const> extents, std::uint64_t ram_bytes) {
    std::uint64_t end = mebibyte; // what lies below is never a guest's
    std::uint64_t sum = 0;
    for (auto const& extent : extents) {
        if (extent.gpa < end || extent.size == 0 || extent.size > UINT64_MAX - extent.gpa) {
            return Failure{
                fmt::format(
                    "the driver gave RAM at {:#x} that is unsorted, overlapping, empty or below 1 MiB",
                    extent.gpa),
                mismatched_driver};
        }
        end = extent.gpa + extent.size;
        if (end > largest_address) {
            return Failure{
                fmt::format("the host gave RAM at {:#x}, and the guest kernel addresses no more than {} TiB",
                            extent.gpa, largest_address >> 40),
                "this host has too much memory for a guest"};
        }
        sum += extent.size;
    }
    if (sum != ram_bytes) {
        return Failure{
            fmt::format("the driver gave {} MiB of RAM instead of {}", sum / mebibyte, ram_bytes / mebibyte),
            mismatched_driver};
    }
    return {};
}

coop_shared* write_shared(std::span<std::byte> memory, BootRequest const& request) {
    std::fill(memory.begin(), memory.end(), std::byte{0});
    auto* shared = new (memory.data()) coop_shared{};
    shared->magic = COOP_SHARED_MAGIC;
    shared->abi_major = COOP_ABI_MAJOR;
    shared->abi_minor = COOP_ABI_MINOR;
    shared->size = static_cast<coop_u32>(memory.size());
    shared->vcpus = request.vcpus;
    shared->vcpu_offset = static_cast<coop_u32>(page_bytes);
    shared->devices = request.devices;
    shared->device_offset = static_cast<coop_u32>(page_bytes * (1 + request.vcpus));
    shared->flags = request.shared_flags;
    shared->tsc_khz = request.tsc_khz;
    shared->wall_ns = request.wall_ns;
    shared->wall_tsc = request.wall_tsc;
    return shared;
}

// The header of a setup_data node; its payload is written by others.
void write_node(std::span<std::byte> memory, std::uint64_t offset, std::uint64_t next, std::uint32_t type,
                std::uint64_t bytes) {
    write_le(memory, offset, next);
    write_le(memory, offset + 8, type);
    write_le(memory, offset + 12, static_cast<std::uint32_t>(bytes));
}

// A node for the entries that the zero page has no room for. Returns its address, 0 if none is needed.
std::uint64_t write_e820_node(Run const& run, std::uint64_t offset, std::span<E820Entry const> entries) {
    // Linux maps a node with its payload at one go and has room for so much at that stage.
    static_assert(COOP_MAX_E820_ENTRIES * e820_entry_bytes + boot_params::setup_node_bytes <= 256 << 10);
    if (entries.empty()) {
        return 0;
    }
    std::uint64_t const bytes = entries.size() * e820_entry_bytes;
    write_node(run.memory, offset, 0, boot_params::setup_e820_ext, bytes);
    write_e820(entries, run.memory.subspan(offset + boot_params::setup_node_bytes, bytes));
    return run.gpa + offset;
}

void write_zero_page(std::span<std::byte> page, std::span<E820Entry const> entries,
                     std::uint64_t command_line, Run const& initrd, std::uint64_t initrd_bytes,
                     std::uint64_t setup_data) {
    using namespace boot_params;
    auto halves = [page](std::uint64_t low, std::uint64_t high, std::uint64_t value) {
        write_le(page, low, static_cast<std::uint32_t>(value));
        write_le(page, high, static_cast<std::uint32_t>(value >> 32));
    };
    std::fill(page.begin(), page.end(), std::byte{0});
    write_le(page, boot_flag, boot_flag_value);
    write_le(page, header, header_value);
    write_le(page, version, version_value);
    write_le(page, type_of_loader, type_of_loader_value);
    write_le(page, loadflags, loadflags_value);
    write_le(page, kernel_alignment, static_cast<std::uint32_t>(large_page_bytes));
    write_le(page, cmdline_size, static_cast<std::uint32_t>(max_command_line));
    halves(cmd_line_ptr, ext_cmd_line_ptr, command_line);
    halves(ramdisk_image, ext_ramdisk_image, initrd_bytes > 0 ? initrd.gpa : 0);
    halves(ramdisk_size, ext_ramdisk_size, initrd_bytes);
    write_le(page, boot_params::setup_data, setup_data);
    write_le(page, e820_entries, static_cast<std::uint8_t>(entries.size()));
    write_e820(entries, page.subspan(e820_table, entries.size() * e820_entry_bytes));
}

} // namespace

Expected<std::array<std::uint64_t, COOP_CREATE_RUNS>> plan_runs(BootRequest const& request) {
    if (auto checked = check(request); !checked) {
        return checked.error();
    }
    std::array<std::uint64_t, COOP_CREATE_RUNS> runs{};
    runs[run_kernel] = request.kernel->load_bytes();
    runs[run_boot_data] = align_up(largest_layout(request).end, large_page_bytes);
    runs[run_initrd] = align_up(request.initrd.size(), large_page_bytes);
    // The initrd is unpacked beside itself; how large it gets is not known, but hardly less than it is.
    std::uint64_t const needed =
        runs[run_kernel] + runs[run_boot_data] + 2 * runs[run_initrd] + working_bytes;
    if (request.ram_bytes < needed) {
        return Failure{
            fmt::format(
                "{} MiB of RAM is too little: kernel {} MiB, boot data {} MiB, initrd twice {} MiB and "
                "{} MiB to work with",
                request.ram_bytes / mebibyte, runs[run_kernel] / mebibyte, runs[run_boot_data] / mebibyte,
                runs[run_initrd] / mebibyte, working_bytes / mebibyte),
            fmt::format("give the guest at least {} MiB", needed / mebibyte)};
    }
    return runs;
}

Expected<BootPlacement> place(BootRequest const& request, std::span<coop_extent const> extents,
                              GuestRam const& ram) {
    auto const runs = plan_runs(request);
    if (!runs) {
        return runs.error();
    }
    if (auto checked = check_extents(extents, request.ram_bytes); !checked) {
        return checked.error();
    }
    auto const map = e820_map(extents);
    if (map.size() > COOP_MAX_E820_ENTRIES) {
        return Failure{
            fmt::format("the host's memory is fragmented: it gave the guest's in {} pieces, and the guest "
                        "kernel takes {}",
                        map.size() - 1, COOP_MAX_E820_ENTRIES - 1),
            "give it less RAM, or free memory on the host (or compact it: /proc/sys/vm/compact_memory)"};
    }
    auto const kernel = find_run(run_kernel, (*runs)[run_kernel], extents, ram);
    if (!kernel) {
        return kernel.error();
    }
    auto const data = find_run(run_boot_data, (*runs)[run_boot_data], extents, ram);
    if (!data) {
        return data.error();
    }
    Run initrd;
    if (!request.initrd.empty()) {
        auto found = find_run(run_initrd, (*runs)[run_initrd], extents, ram);
        if (!found) {
            return found.error();
        }
        initrd = *found;
        std::copy(request.initrd.begin(), request.initrd.end(), initrd.memory.begin());
    }
    if (auto loaded = request.kernel->load(kernel->memory); !loaded) {
        return loaded.error();
    }

    auto const layout = largest_layout(request);
    auto const memory = data->memory;
    std::memcpy(memory.data() + layout.command_line, request.command_line.c_str(),
                request.command_line.size() + 1);
    coop_shared* shared = write_shared(memory.subspan(layout.shared, layout.shared_bytes), request);

    auto const here =
        std::span{map}.first(std::min<std::size_t>(map.size(), boot_params::e820_table_entries));
    auto const e820_node = write_e820_node(*data, layout.e820_node, std::span{map}.subspan(here.size()));
    write_node(memory, layout.shared_node, e820_node, COOP_SETUP_DATA_TYPE, layout.shared_bytes);
    write_zero_page(memory.subspan(layout.boot_params, boot_params::bytes), here,
                    data->gpa + layout.command_line, initrd, request.initrd.size(),
                    data->gpa + layout.shared_node);

    coop_start const start{kernel->gpa + request.kernel->entry_offset(), data->gpa + layout.boot_params,
                           data->gpa + layout.shared};
    return BootPlacement{start, shared};
}

} // namespace coop
