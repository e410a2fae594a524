// SPDX-License-Identifier: GPL-2.0-only
// Size parsing without rounding and without overflow.
#include "spec/size.hpp"

#include "failure.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <limits>

namespace coop::ctl {

namespace {

constexpr std::string_view suffixes = "KMGT";

[[noreturn]] void bad_size(std::string_view text, std::string_view why) {
    throw Failure(ExitCode::usage, fmt::format("bad size '{}': {}", text, why),
                  "write a whole number with K, M, G or T, for instance 512M");
}

unsigned shift_of(std::string_view text, std::string_view suffix) {
    if (suffix.empty()) {
        return 0;
    }
    auto const index = suffixes.find(static_cast<char>(std::toupper(static_cast<unsigned char>(suffix[0]))));
    auto const rest = suffix.substr(1);
    bool const plain = rest.empty();
    bool const iec =
        rest.size() == 2 && (rest[0] == 'i' || rest[0] == 'I') && (rest[1] == 'B' || rest[1] == 'b');
    if (index == std::string_view::npos || !(plain || iec)) {
        bad_size(text, fmt::format("unknown unit '{}'", suffix));
    }
    return 10 * (static_cast<unsigned>(index) + 1);
}

} // namespace

std::uint64_t parse_size(std::string_view text) {
    std::uint64_t number = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc::invalid_argument) {
        bad_size(text, "not a number");
    }
    if (error == std::errc::result_out_of_range) {
        bad_size(text, "too large");
    }
    auto const shift = shift_of(text, text.substr(static_cast<std::size_t>(end - text.data())));
    if (number > std::numeric_limits<std::uint64_t>::max() >> shift) {
        bad_size(text, "too large");
    }
    return number << shift;
}

std::string format_size(std::uint64_t bytes) {
    static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;
    while (unit < 4 && bytes >> (10 * (unit + 1)) != 0) {
        ++unit;
    }
    // 1536 MiB says more than "1.5 GiB" only when it is exact: prefer a smaller unit while the number stays
    // short.
    std::uint64_t const whole = bytes >> (10 * unit);
    if (whole << (10 * unit) == bytes) {
        return fmt::format("{} {}", whole, units[unit]);
    }
    if (unit > 1 && whole < 10 && (bytes & ((std::uint64_t{1} << (10 * (unit - 1))) - 1)) == 0) {
        return fmt::format("{} {}", bytes >> (10 * (unit - 1)), units[unit - 1]);
    }
    return fmt::format("{:.1f} {}",
                       static_cast<double>(bytes) / static_cast<double>(std::uint64_t{1} << (10 * unit)),
                       units[unit]);
}

} // namespace coop::ctl
