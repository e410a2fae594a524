// SPDX-License-Identifier: GPL-2.0-only
// Where things are in Linux's zero page, struct boot_params (Documentation/arch/x86/zero-page.rst and
// boot.rst). Only what a 64-bit entry without firmware uses.
#pragma once

#include <cstdint>

namespace coop::boot_params {

constexpr std::uint64_t bytes = 4096;

// Offsets, with the width in bits.
constexpr std::uint64_t ext_ramdisk_image = 0x0c0; // 32: upper half
constexpr std::uint64_t ext_ramdisk_size = 0x0c4;  // 32
constexpr std::uint64_t ext_cmd_line_ptr = 0x0c8;  // 32
constexpr std::uint64_t e820_entries = 0x1e8;      // 8
constexpr std::uint64_t boot_flag = 0x1fe;         // 16
constexpr std::uint64_t header = 0x202;            // 32
constexpr std::uint64_t version = 0x206;           // 16
constexpr std::uint64_t type_of_loader = 0x210;    // 8
constexpr std::uint64_t loadflags = 0x211;         // 8
constexpr std::uint64_t ramdisk_image = 0x218;     // 32
constexpr std::uint64_t ramdisk_size = 0x21c;      // 32
constexpr std::uint64_t cmd_line_ptr = 0x228;      // 32
constexpr std::uint64_t kernel_alignment = 0x230;  // 32
constexpr std::uint64_t cmdline_size = 0x238;      // 32
constexpr std::uint64_t setup_data = 0x250;        // 64: address of the first node
constexpr std::uint64_t e820_table = 0x2d0;

constexpr unsigned e820_table_entries = 128;

// Values.
constexpr std::uint16_t boot_flag_value = 0xaa55;
constexpr std::uint32_t header_value = 0x53726448; // "HdrS"
constexpr std::uint16_t version_value = 0x20f;
constexpr std::uint8_t type_of_loader_value = 0xff; // none with a number
constexpr std::uint8_t loadflags_value = 0x01;      // LOADED_HIGH

// A node of the setup_data chain: u64 next, u32 type, u32 length, then length bytes.
constexpr std::uint64_t setup_node_bytes = 16;
constexpr std::uint32_t setup_e820_ext = 1;

} // namespace coop::boot_params
