// SPDX-License-Identifier: GPL-2.0-only
#include "spec/ipv4.hpp"

#include <charconv>

namespace coop::ctl {

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
    std::uint32_t address = 0;
    for (int left = 4; left > 0; --left) {
        std::uint8_t byte = 0;
        auto const [rest, error] = std::from_chars(text.data(), text.data() + text.size(), byte);
        auto const digits = static_cast<std::size_t>(rest - text.data());
        if (error != std::errc{} || (digits > 1 && text[0] == '0')) {
            return std::nullopt;
        }
        address = address << 8 | byte;
        text.remove_prefix(digits);
        if (left > 1) {
            if (!text.starts_with('.')) {
                return std::nullopt;
            }
            text.remove_prefix(1);
        }
    }
    return text.empty() ? std::optional{address} : std::nullopt;
}

} // namespace coop::ctl
