// SPDX-License-Identifier: GPL-2.0-only
// Writes an ELF64 executable by the structures of <elf.h>.
#include "tiny_kernel.hpp"

#include <cstddef>
#include <cstring>
#include <linux/elf.h>

namespace coop::ctl {

namespace {

// Notes are aligned to 4 bytes, less than the 64-bit field in ours would have.
struct [[gnu::packed]] Note {
    Elf64_Nhdr header;
    char name[8]; // "Coop", NUL, padding
    coop_boot_note boot;
};

struct File {
    Elf64_Ehdr header;
    Elf64_Phdr segments[2];
    Note note;
    unsigned char code[64];
};

constexpr std::uint64_t load_va = 0xffffffff81000000;
constexpr std::uint64_t load_pa = 0x1000000;

} // namespace

std::string tiny_kernel(unsigned abi_major) {
    File file{};
    std::memcpy(file.header.e_ident, ELFMAG, SELFMAG);
    file.header.e_ident[EI_CLASS] = ELFCLASS64;
    file.header.e_ident[EI_DATA] = ELFDATA2LSB;
    file.header.e_ident[EI_VERSION] = EV_CURRENT;
    file.header.e_type = ET_EXEC;
    file.header.e_machine = EM_X86_64;
    file.header.e_version = EV_CURRENT;
    file.header.e_entry = load_va;
    file.header.e_phoff = offsetof(File, segments);
    file.header.e_ehsize = sizeof(Elf64_Ehdr);
    file.header.e_phentsize = sizeof(Elf64_Phdr);
    file.header.e_phnum = 2;
    file.segments[0] = {PT_LOAD, PF_R | PF_X, offsetof(File, code), load_va, load_pa, sizeof file.code,
                        4096,    4096};
    file.segments[1] = {PT_NOTE, PF_R, offsetof(File, note), 0, 0, sizeof file.note, sizeof file.note, 4};
    file.note.header = {sizeof(COOP_NOTE_NAME), sizeof(coop_boot_note), COOP_NOTE_TYPE_BOOT};
    std::memcpy(file.note.name, COOP_NOTE_NAME, sizeof(COOP_NOTE_NAME));
    file.note.boot = {abi_major, COOP_ABI_MINOR, load_va};
    std::memset(file.code, 0x90, sizeof file.code);
    return {reinterpret_cast<char const*>(&file), sizeof file};
}

} // namespace coop::ctl
