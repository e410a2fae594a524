// SPDX-License-Identifier: GPL-2.0-only
// Base64 (RFC 4648, with padding): console bytes are not text, JSON strings are.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace coop::ctl {

std::string base64_encode(std::span<std::byte const> data);
// Nothing unless the text is exactly what an encoder writes.
std::optional<std::string> base64_decode(std::string_view text);

} // namespace coop::ctl
