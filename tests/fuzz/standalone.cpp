// SPDX-License-Identifier: GPL-2.0-only
// Runs a fuzz target without libFuzzer, so that any compiler builds it and every test run includes it: seeds
// given by the target, changed at random in a repeatable way. Usage: TARGET [ITERATIONS [FIRST_SEED]], or
// TARGET FILE… to replay files.
#include "fuzz_target.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<std::uint8_t>;

// A few of the changes that find most: bits, interesting numbers, cuts, copies, pure noise.
void mutate(Bytes& bytes, std::mt19937_64& random) {
    static constexpr std::uint64_t numbers[] = {0,      1,          2,          0x7f,       0xff, 0x7fff,
                                                0xffff, 0x7fffffff, 0xffffffff, 1ull << 63, ~0ull};
    auto const below = [&random](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
    for (auto changes = below(6) + 1; changes > 0 && !bytes.empty(); --changes) {
        std::size_t const at = below(bytes.size());
        switch (random() % 6) {
        case 0:
            bytes[at] ^= static_cast<std::uint8_t>(1u << random() % 8);
            break;
        case 1:
            bytes[at] = static_cast<std::uint8_t>(random());
            break;
        case 2: {
            auto value = numbers[below(std::size(numbers))] + (random() % 4 == 0 ? random() % 64 : 0);
            for (std::size_t i = 0, width = 1u << random() % 4; i < width && at + i < bytes.size();
                 ++i, value >>= 8) {
                bytes[at + i] = static_cast<std::uint8_t>(value);
            }
            break;
        }
        case 3:
            if (random() % 8 == 0) {
                bytes.resize(at);
            }
            break;
        default: {
            std::size_t const from = below(bytes.size());
            std::size_t const count = below(std::min<std::size_t>(bytes.size() - std::max(at, from), 64) + 1);
            Bytes const piece{bytes.begin() + static_cast<std::ptrdiff_t>(from),
                              bytes.begin() + static_cast<std::ptrdiff_t>(from + count)};
            std::copy(piece.begin(), piece.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
            break;
        }
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string{argv[1]}.find_first_not_of("0123456789") != std::string::npos) {
        for (int i = 1; i < argc; ++i) {
            std::ifstream stream{argv[i], std::ios::binary};
            if (!stream) {
                std::fprintf(stderr, "cannot read %s\n", argv[i]);
                return 2;
            }
            Bytes const bytes{std::istreambuf_iterator<char>{stream}, {}};
            LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
        }
        return 0;
    }
    unsigned long const iterations = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10000;
    unsigned long const first = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1;
    auto const seeds = coop::fuzz::seeds();
    for (unsigned long n = first; n < first + iterations; ++n) {
        std::mt19937_64 random{n}; // to repeat a failure: ITERATIONS 1, FIRST_SEED n
        Bytes bytes = seeds[random() % seeds.size()];
        mutate(bytes, random);
        // An own allocation of the exact size, so that the sanitizer sees a step beyond.
        Bytes const input{bytes.begin(), bytes.end()};
        coop::fuzz::current_seed = n;
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    std::printf("%lu inputs, none failed\n", iterations);
    return 0;
}
