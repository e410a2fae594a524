// SPDX-License-Identifier: GPL-2.0-only
// Runs a fuzz target without libFuzzer, so that any compiler builds it and every test run includes it: seeds
// given by the target, changed at random in a repeatable way.
//
// TARGET [ITERATIONS [FIRST|random [PROCESSES]]]: inputs FIRST, FIRST + 1 …, shared out among as many
// processes (0: as there are CPUs). TARGET FILE… replays files.
#include "fuzz_target.hpp"
#include "mutate.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using coop::fuzz::Bytes;

// What a process is at; the parent reads it when the process is gone.
struct Share {
    std::atomic<std::uint64_t> next;
    std::uint64_t end;
};

int replay(int count, char** files) {
    for (int i = 0; i < count; ++i) {
        std::ifstream stream{files[i], std::ios::binary};
        if (!stream) {
            std::fprintf(stderr, "cannot read %s\n", files[i]);
            return 2;
        }
        Bytes const bytes{std::istreambuf_iterator<char>{stream}, {}};
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
    return 0;
}

void run(Share& share) {
    auto const seeds = coop::fuzz::seeds();
    Bytes bytes;
    Bytes input;
    for (; share.next < share.end; ++share.next) {
        coop::fuzz::Random random{share.next};
        bytes = seeds[random.below(seeds.size())];
        coop::fuzz::mutate(bytes, random);
        // An allocation of the exact size, so that the sanitizer sees a step beyond; most have the size of
        // the one before.
        if (bytes.size() == input.size()) {
            input = bytes;
        } else {
            input = Bytes(bytes.begin(), bytes.end());
        }
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
}

// Returns how many inputs were tried; exits if one failed.
std::uint64_t run_in_processes(std::uint64_t first, std::uint64_t count, std::uint64_t processes) {
    void* const memory =
        mmap(nullptr, processes * sizeof(Share), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        std::perror("mmap");
        std::exit(2);
    }
    auto* const shares = static_cast<Share*>(memory);
    std::vector<pid_t> children;
    for (std::uint64_t i = 0; i < processes; ++i) {
        auto& share =
            *new (&shares[i]) Share{first + count * i / processes, first + count * (i + 1) / processes};
        pid_t const child = fork();
        if (child < 0) {
            std::perror("fork");
            std::exit(2);
        }
        if (child == 0) {
            run(share);
            std::exit(0);
        }
        children.push_back(child);
    }
    std::uint64_t tried = 0;
    bool failed = false;
    for (std::uint64_t i = 0; i < processes; ++i) {
        std::uint64_t const begin = first + count * i / processes;
        int status = 0;
        if (waitpid(children[i], &status, 0) != children[i] || status != 0) {
            std::uint64_t const at = shares[i].next;
            std::fprintf(stderr, "input %" PRIu64 " failed; to repeat it: %s 1 %" PRIu64 "\n", at,
                         program_invocation_name, at);
            failed = true;
        }
        tried += shares[i].next - begin;
    }
    if (failed) {
        std::exit(1);
    }
    return tried;
}

std::uint64_t number(char const* text) {
    return std::strtoull(text, nullptr, 10);
}

} // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string{argv[1]}.find_first_not_of("0123456789") != std::string::npos) {
        return replay(argc - 1, argv + 1);
    }
    std::uint64_t const count = argc > 1 ? number(argv[1]) : 10000;
    bool const random = argc > 2 && std::string{argv[2]} == "random";
    std::uint64_t const first = random     ? std::uint64_t{std::random_device{}()} << 31
                                : argc > 2 ? number(argv[2])
                                           : 1;
    std::uint64_t processes = argc > 3 ? number(argv[3]) : 1;
    if (processes == 0) {
        processes = std::max(1u, std::thread::hardware_concurrency());
    }
    std::printf("inputs %" PRIu64 " to %" PRIu64 " in %" PRIu64 " processes\n", first, first + count - 1,
                processes);
    std::fflush(stdout);
    if (count == 1) { // in this process, for a debugger
        Share share{first, first + 1};
        run(share);
    } else {
        std::uint64_t const tried = run_in_processes(first, count, processes);
        std::printf("figures: fuzz_" COOP_FUZZ_NAME "_executions %" PRIu64 "\n", tried);
    }
    return 0;
}
