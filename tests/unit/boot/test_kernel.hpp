// SPDX-License-Identifier: GPL-2.0-only
// Builds kernel images for tests: an ELF file like a vmlinux, and a bzImage around it.
#pragma once

#include "boot/little_endian.hpp"
#include "coop/guest/abi.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace coop::test {

struct TestSegment {
    std::uint32_t type = 1; // PT_LOAD
    std::uint32_t flags = 5;
    std::uint64_t vaddr = 0;
    std::uint64_t paddr = 0;
    std::uint64_t memsz = 0;
    std::vector<std::byte> bytes{};
    std::uint64_t align = 4096;
};

constexpr std::uint64_t program_headers_at = 64;
constexpr std::uint64_t program_header_bytes = 56;

inline std::vector<std::byte> filled(std::size_t count, unsigned value) {
    return std::vector<std::byte>(count, static_cast<std::byte>(value));
}

inline std::vector<std::byte> make_note(std::string const& name, std::uint32_t type,
                                        std::vector<std::byte> const& content, std::size_t unit = 4) {
    std::vector<std::byte> note(12);
    write_le(std::span{note}, 0, static_cast<std::uint32_t>(name.size() + 1));
    write_le(std::span{note}, 4, static_cast<std::uint32_t>(content.size()));
    write_le(std::span{note}, 8, type);
    for (char const c : name) {
        note.push_back(static_cast<std::byte>(c));
    }
    note.push_back(std::byte{0});
    note.resize((note.size() + unit - 1) / unit * unit);
    note.insert(note.end(), content.begin(), content.end());
    note.resize((note.size() + unit - 1) / unit * unit);
    return note;
}

inline std::vector<std::byte> boot_note(coop_boot_note const& contents, std::size_t unit = 4) {
    std::vector<std::byte> bytes(sizeof(contents));
    std::memcpy(bytes.data(), &contents, sizeof(contents));
    return make_note(COOP_NOTE_NAME, COOP_NOTE_TYPE_BOOT, bytes, unit);
}

inline std::vector<std::byte> make_elf(std::vector<TestSegment> const& segments) {
    std::vector<std::byte> file(program_headers_at + segments.size() * program_header_bytes);
    static constexpr unsigned char ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    std::memcpy(file.data(), ident, sizeof(ident));
    auto const put = [&file](std::uint64_t at, auto value) { write_le(std::span{file}, at, value); };
    put(16, std::uint16_t{2});  // e_type
    put(18, std::uint16_t{62}); // e_machine
    put(20, std::uint32_t{1});
    put(32, program_headers_at);
    put(52, std::uint16_t{64});
    put(54, static_cast<std::uint16_t>(program_header_bytes));
    put(56, static_cast<std::uint16_t>(segments.size()));
    for (std::size_t i = 0; i < segments.size(); ++i) {
        auto const& segment = segments[i];
        std::uint64_t const at = program_headers_at + i * program_header_bytes;
        put(at, segment.type);
        put(at + 4, segment.flags);
        put(at + 8, std::uint64_t{file.size()});
        put(at + 16, segment.vaddr);
        put(at + 24, segment.paddr);
        put(at + 32, std::uint64_t{segment.bytes.size()});
        put(at + 40, segment.memsz);
        put(at + 48, segment.align);
        file.insert(file.end(), segment.bytes.begin(), segment.bytes.end());
    }
    return file;
}

constexpr std::uint64_t kernel_va = 0xffffffff81000000;
constexpr std::uint64_t kernel_pa = 0x1000000;

// Text, data with .bss, a per-CPU segment linked at 0, and the note, as in an x86-64 vmlinux.
inline std::vector<TestSegment> kernel_segments(coop_boot_note note = {COOP_ABI_MAJOR, COOP_ABI_MINOR,
                                                                       kernel_va + 0x40}) {
    return {
        {.vaddr = kernel_va, .paddr = kernel_pa, .memsz = 0x3000, .bytes = filled(0x3000, 0x11)},
        {.flags = 6,
         .vaddr = kernel_va + 0x200000,
         .paddr = kernel_pa + 0x200000,
         .memsz = 0x5000,
         .bytes = filled(0x1000, 0x22)},
        {.flags = 6,
         .vaddr = 0,
         .paddr = kernel_pa + 0x206000,
         .memsz = 0x1000,
         .bytes = filled(0x1000, 0x33)},
        {.type = 4, .flags = 4, .bytes = boot_note(note), .align = 4},
    };
}
inline std::vector<std::byte> make_kernel() {
    return make_elf(kernel_segments());
}

// packed: with the size of what is in it at its end, as the kernel's build leaves it.
inline std::vector<std::byte> make_bzimage(std::vector<std::byte> const& packed) {
    constexpr std::size_t setup_sectors = 4;
    constexpr std::size_t payload_offset = 0x100;
    std::vector<std::byte> file((setup_sectors + 1) * 512 + payload_offset);
    auto const put = [&file](std::uint64_t at, auto value) { write_le(std::span{file}, at, value); };
    put(0x1f1, static_cast<std::uint8_t>(setup_sectors));
    put(0x1fe, std::uint16_t{0xaa55});
    put(0x202, std::uint32_t{0x53726448});
    put(0x206, std::uint16_t{0x20f});
    put(0x248, static_cast<std::uint32_t>(payload_offset));
    put(0x24c, static_cast<std::uint32_t>(packed.size()));
    file.insert(file.end(), packed.begin(), packed.end());
    file.insert(file.end(), 100, std::byte{0xcc});
    return file;
}

} // namespace coop::test
