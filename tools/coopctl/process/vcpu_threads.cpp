// SPDX-License-Identifier: GPL-2.0-only
// Threads that the driver turns into vCPUs.
#include "process/vcpu_threads.hpp"

#include "os/process.hpp"

#include <fmt/format.h>

namespace coop::ctl {

VcpuThreads::VcpuThreads(Driver& driver, unsigned count, std::function<void(Outcome)> finished)
    : driver_(driver), finished_(std::move(finished)), running_(count) {
    try {
        for (unsigned vcpu = 0; vcpu < count; ++vcpu) {
            threads_.emplace_back([this, vcpu] { lend(vcpu); });
        }
    } catch (...) {
        end_and_join();
        throw;
    }
}

VcpuThreads::~VcpuThreads() {
    end_and_join();
}

void VcpuThreads::end_and_join() {
    stopping_ = true;
    try {
        driver_.end(COOP_END_KILLED);
    } catch (Failure const&) { // NOLINT(bugprone-empty-catch): refused means that it has ended
    }
    for (auto& thread : threads_) {
        thread.join();
    }
    threads_.clear();
}

void VcpuThreads::lend(unsigned vcpu) {
    block_signals_on_this_thread();
    name_this_thread(fmt::format("vcpu {}", vcpu));
    coop_run run{};
    std::string error;
    bool ended = false;
    try {
        do {
            run = {};
            run.vcpu = vcpu;
            ended = driver_.run(run);
        } while (!ended && !stopping_);
    } catch (Failure const& failure) {
        error = failure.what();
        try { // the other vCPUs must not run on without this one
            driver_.end(COOP_END_KILLED);
        } catch (Failure const&) { // NOLINT(bugprone-empty-catch)
        }
    }
    std::function<void(Outcome)> last;
    {
        std::lock_guard const guard(mutex_);
        if (ended && !outcome_.run) {
            outcome_.run = run;
        }
        if (!error.empty() && outcome_.error.empty()) {
            outcome_.error = error;
        }
        if (--running_ == 0) {
            last = std::move(finished_);
        }
    }
    if (last) {
        last(outcome_);
    }
}

} // namespace coop::ctl
