// SPDX-License-Identifier: GPL-2.0-only
// The note by which a guest kernel declares itself; see elf_note.hpp. Layout: System V gABI, "Note Section".
#include "boot/elf_note.hpp"

#include "base/address.hpp"
#include "boot/little_endian.hpp"

#include <cstring>
#include <string_view>

namespace coop {

std::optional<coop_boot_note> find_boot_note(std::span<std::byte const> notes, std::uint64_t alignment) {
    constexpr std::uint64_t header_bytes = 12;
    constexpr std::string_view wanted{COOP_NOTE_NAME, sizeof(COOP_NOTE_NAME)}; // with its NUL
    std::uint64_t const unit = alignment == 8 ? 8 : 4;
    while (notes.size() >= header_bytes) {
        std::uint64_t const name_bytes = read_le<std::uint32_t>(notes, 0);
        std::uint64_t const content_bytes = read_le<std::uint32_t>(notes, 4);
        auto const type = read_le<std::uint32_t>(notes, 8);
        std::uint64_t const content =
            align_up(header_bytes + name_bytes, unit); // 32-bit sizes cannot overflow this
        if (content > notes.size() || content_bytes > notes.size() - content) {
            return std::nullopt;
        }
        bool const ours = type == COOP_NOTE_TYPE_BOOT && name_bytes == wanted.size() &&
                          std::memcmp(notes.data() + header_bytes, wanted.data(), wanted.size()) == 0;
        if (ours && content_bytes >= sizeof(coop_boot_note)) {
            return read_le<coop_boot_note>(notes, content);
        }
        std::uint64_t const next = align_up(content + content_bytes, unit);
        notes = next < notes.size() ? notes.subspan(next) : std::span<std::byte const>{};
    }
    return std::nullopt;
}

} // namespace coop
