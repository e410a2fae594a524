// SPDX-License-Identifier: GPL-2.0-only
#include "mutate.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace coop::fuzz {

std::uint64_t Random::operator()() {
    std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return mixed ^ mixed >> 31;
}

void mutate(Bytes& bytes, Random& random) {
    static constexpr std::uint64_t numbers[] = {0,      1,          2,          0x7f,       0xff, 0x7fff,
                                                0xffff, 0x7fffffff, 0xffffffff, 1ull << 63, ~0ull};
    for (auto changes = random.below(6) + 1; changes > 0 && !bytes.empty(); --changes) {
        std::size_t const at = random.below(bytes.size());
        switch (random.below(6)) {
        case 0:
            bytes[at] ^= static_cast<std::uint8_t>(1u << random.below(8));
            break;
        case 1:
            bytes[at] = static_cast<std::uint8_t>(random());
            break;
        case 2: {
            auto value =
                numbers[random.below(std::size(numbers))] + (random.below(4) == 0 ? random.below(64) : 0);
            for (std::size_t i = 0, width = 1u << random.below(4); i < width && at + i < bytes.size();
                 ++i, value >>= 8) {
                bytes[at + i] = static_cast<std::uint8_t>(value);
            }
            break;
        }
        case 3:
            if (random.below(8) == 0) {
                bytes.resize(at);
            }
            break;
        default: {
            std::size_t const from = random.below(bytes.size());
            std::size_t const most = std::min<std::size_t>(bytes.size() - std::max(at, from), 64);
            std::memmove(&bytes[at], &bytes[from], random.below(most + 1));
            break;
        }
        }
    }
}

} // namespace coop::fuzz
