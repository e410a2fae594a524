// SPDX-License-Identifier: GPL-2.0-only
// Changes an input at random, in a way that a number repeats.
#pragma once

#include <cstdint>
#include <vector>

namespace coop::fuzz {

using Bytes = std::vector<std::uint8_t>;

// splitmix64: costs nothing to start, unlike the standard library's, and each input has one of its own.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_{seed} {}
    std::uint64_t operator()();
    std::size_t below(std::size_t limit) { return static_cast<std::size_t>((*this)() % limit); }

private:
    std::uint64_t state_;
};

// A few of the changes that find most: bits, interesting numbers, cuts, copies, pure noise.
void mutate(Bytes& bytes, Random& random);

} // namespace coop::fuzz
