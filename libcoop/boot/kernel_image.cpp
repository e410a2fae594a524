// SPDX-License-Identifier: GPL-2.0-only
// A guest kernel as a file; see kernel_image.hpp. ELF: System V gABI, chapters 4 and 5.
#include "boot/kernel_image.hpp"

#include "base/address.hpp"
#include "boot/bzimage.hpp"
#include "boot/elf_note.hpp"
#include "boot/little_endian.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include <fmt/format.h>

namespace coop {
namespace {

struct ElfHeader {
    std::uint8_t ident[16];
    std::uint16_t type;
    std::uint16_t machine;
    std::uint32_t version;
    std::uint64_t entry;
    std::uint64_t phoff;
    std::uint64_t shoff;
    std::uint32_t flags;
    std::uint16_t ehsize;
    std::uint16_t phentsize;
    std::uint16_t phnum;
    std::uint16_t shentsize;
    std::uint16_t shnum;
    std::uint16_t shstrndx;
};
static_assert(sizeof(ElfHeader) == 64);

struct ProgramHeader {
    std::uint32_t type;
    std::uint32_t flags;
    std::uint64_t offset;
    std::uint64_t vaddr;
    std::uint64_t paddr;
    std::uint64_t filesz;
    std::uint64_t memsz;
    std::uint64_t align;
};
static_assert(sizeof(ProgramHeader) == 56);

constexpr std::uint8_t elf_magic[] = {0x7f, 'E', 'L', 'F'};
constexpr std::uint8_t class_64 = 2;
constexpr std::uint8_t little_endian = 1;
constexpr std::uint16_t type_executable = 2;
constexpr std::uint16_t machine_x86_64 = 62;
constexpr std::uint16_t phnum_elsewhere = 0xffff;
constexpr std::uint32_t segment_load = 1;
constexpr std::uint32_t segment_note = 4;
constexpr std::uint32_t segment_executable = 1;

struct Headers {
    std::vector<ProgramHeader> loads; // by paddr, none empty
    std::optional<coop_boot_note> note;
};

Failure bad(std::string const& what) {
    return Failure{fmt::format("kernel image: {}", what), "build or copy it anew"};
}

bool inside(std::span<std::byte const> file, std::uint64_t offset, std::uint64_t bytes) {
    return offset <= file.size() && bytes <= file.size() - offset;
}

Expected<ElfHeader> read_header(std::span<std::byte const> file) {
    if (!inside(file, 0, sizeof(ElfHeader))) {
        return bad("the file ends within the ELF header");
    }
    auto const header = read_le<ElfHeader>(file, 0);
    if (header.ident[4] != class_64 || header.ident[5] != little_endian || header.machine != machine_x86_64) {
        return Failure{"kernel image is not for x86-64", "give a 64-bit x86 kernel"};
    }
    if (header.type != type_executable) {
        return Failure{fmt::format("kernel image is an ELF file of type {}, not an executable", header.type),
                       "give the vmlinux"};
    }
    if (header.phentsize != sizeof(ProgramHeader) || header.phnum == 0 || header.phnum == phnum_elsewhere ||
        !inside(file, header.phoff, std::uint64_t{header.phnum} * sizeof(ProgramHeader))) {
        return bad("its program headers are missing, of the wrong size or outside the file");
    }
    return header;
}

Expected<Headers> read_segments(std::span<std::byte const> file, ElfHeader const& elf) {
    Headers headers;
    for (std::uint64_t i = 0; i < elf.phnum; ++i) {
        auto const segment = read_le<ProgramHeader>(file, elf.phoff + i * sizeof(ProgramHeader));
        if (segment.type != segment_load && segment.type != segment_note) {
            continue;
        }
        if (!inside(file, segment.offset, segment.filesz)) {
            return bad(fmt::format("segment {} is not all in the file", i));
        }
        if (segment.type == segment_note) {
            if (!headers.note) {
                headers.note = find_boot_note(file.subspan(segment.offset, segment.filesz), segment.align);
            }
            continue;
        }
        if (segment.filesz > segment.memsz || segment.memsz > UINT64_MAX - segment.paddr ||
            segment.memsz > UINT64_MAX - segment.vaddr) {
            return bad(fmt::format("segment {} is larger in the file than in memory, or wraps around", i));
        }
        if (segment.memsz > 0) {
            headers.loads.push_back(segment);
        }
    }
    std::sort(headers.loads.begin(), headers.loads.end(),
              [](auto const& a, auto const& b) { return a.paddr < b.paddr; });
    for (std::size_t i = 1; i < headers.loads.size(); ++i) {
        if (headers.loads[i - 1].paddr + headers.loads[i - 1].memsz > headers.loads[i].paddr) {
            return bad("segments overlap in memory");
        }
    }
    if (headers.loads.empty()) {
        return bad("it has nothing to load");
    }
    return headers;
}

Expected<void> check_note(std::optional<coop_boot_note> const& note) {
    if (!note) {
        return Failure{"kernel image is not a cooperative guest (no \"" COOP_NOTE_NAME "\" note)",
                       "give a kernel built with this project's patches"};
    }
    if (note->abi_major != COOP_ABI_MAJOR) {
        return Failure{fmt::format("kernel image speaks guest ABI {}.{}, this program speaks {}.{}",
                                   note->abi_major, note->abi_minor, COOP_ABI_MAJOR, COOP_ABI_MINOR),
                       "use versions that belong together"};
    }
    return {};
}

} // namespace

Expected<KernelImage> KernelImage::parse(std::span<std::byte const> file) {
    if (file.size() >= sizeof(elf_magic) && std::memcmp(file.data(), elf_magic, sizeof(elf_magic)) == 0) {
        return parse_elf(file);
    }
    if (!is_bzimage(file)) {
        return Failure{"kernel image is neither an ELF file nor a bzImage", "give a vmlinux or bzImage"};
    }
    auto const elf = unpack_bzimage(file, max_load_bytes);
    if (!elf) {
        return elf.error();
    }
    if (elf->size() < sizeof(elf_magic) || std::memcmp(elf->data(), elf_magic, sizeof(elf_magic)) != 0) {
        return bad("what the bzImage carries is not an ELF file");
    }
    return parse_elf(*elf);
}

Expected<KernelImage> KernelImage::parse_elf(std::span<std::byte const> file) {
    auto const elf = read_header(file);
    if (!elf) {
        return elf.error();
    }
    auto const headers = read_segments(file, *elf);
    if (!headers) {
        return headers.error();
    }
    if (auto checked = check_note(headers->note); !checked) {
        return checked.error();
    }
    auto const& loads = headers->loads;
    // The image keeps its place within a 2 MiB page, as the kernel's page tables map it by such pages.
    std::uint64_t const base = align_down(loads.front().paddr, large_page_bytes);
    std::uint64_t const bytes = loads.back().paddr + loads.back().memsz - base;
    if (bytes > max_load_bytes) {
        return bad(fmt::format("it spans {} bytes, more than {}", bytes, max_load_bytes));
    }
    KernelImage image;
    image.note_ = *headers->note;
    image.load_bytes_ = align_up(bytes, large_page_bytes);
    std::uint64_t const entry = image.note_.entry_va;
    auto const home = std::find_if(loads.begin(), loads.end(), [entry](auto const& load) {
        return (load.flags & segment_executable) != 0 && entry >= load.vaddr &&
               entry - load.vaddr < load.filesz;
    });
    if (home == loads.end()) {
        return bad(fmt::format("its entry point {:#x} is not in its code", entry));
    }
    image.entry_offset_ = home->paddr - base + (entry - home->vaddr);
    for (auto const& load : loads) {
        auto const contents = file.subspan(load.offset, load.filesz);
        image.segments_.push_back({load.paddr - base, {contents.begin(), contents.end()}});
    }
    return image;
}

Expected<void> KernelImage::load(std::span<std::byte> destination) const {
    if (destination.size() < load_bytes_) {
        return Failure{fmt::format("kernel needs {} bytes of memory in one piece, {} were taken", load_bytes_,
                                   destination.size())};
    }
    std::uint64_t done = 0;
    auto const clear_to = [&](std::uint64_t end) { std::memset(destination.data() + done, 0, end - done); };
    for (auto const& segment : segments_) {
        clear_to(segment.offset);
        std::copy(segment.bytes.begin(), segment.bytes.end(), destination.data() + segment.offset);
        done = segment.offset + segment.bytes.size();
    }
    clear_to(destination.size());
    return {};
}

} // namespace coop
