// SPDX-License-Identifier: GPL-2.0-only
// Base64, strict on input.
#include "control/base64.hpp"

#include <array>
#include <cstdint>

namespace coop::ctl {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto values = [] {
    std::array<std::int8_t, 256> table{};
    table.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    }
    return table;
}();

} // namespace

std::string base64_encode(std::span<std::byte const> data) {
    std::string text;
    text.reserve((data.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < data.size(); i += 3) {
        auto const left = data.size() - i;
        std::uint32_t group = std::to_integer<std::uint32_t>(data[i]) << 16;
        group |= left > 1 ? std::to_integer<std::uint32_t>(data[i + 1]) << 8 : 0;
        group |= left > 2 ? std::to_integer<std::uint32_t>(data[i + 2]) : 0;
        text += alphabet[group >> 18];
        text += alphabet[group >> 12 & 63];
        text += left > 1 ? alphabet[group >> 6 & 63] : '=';
        text += left > 2 ? alphabet[group & 63] : '=';
    }
    return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    std::string data;
    data.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        bool const last = i + 4 == text.size();
        unsigned const padding = !last ? 0 : text.substr(i + 2) == "==" ? 2 : text[i + 3] == '=' ? 1 : 0;
        std::uint32_t group = 0;
        for (unsigned k = 0; k < 4; ++k) {
            auto const value =
                k < 4 - padding ? values[static_cast<unsigned char>(text[i + k])] : std::int8_t{0};
            if (value < 0) {
                return std::nullopt;
            }
            group = group << 6 | static_cast<std::uint32_t>(value);
        }
        if ((padding == 1 && (group & 0xff) != 0) || (padding == 2 && (group & 0xffff) != 0)) {
            return std::nullopt; // stray bits: not what an encoder writes
        }
        data += static_cast<char>(group >> 16);
        if (padding < 2) {
            data += static_cast<char>(group >> 8 & 0xff);
        }
        if (padding < 1) {
            data += static_cast<char>(group & 0xff);
        }
    }
    return data;
}

} // namespace coop::ctl
