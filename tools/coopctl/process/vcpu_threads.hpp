// SPDX-License-Identifier: GPL-2.0-only
// One thread per vCPU, each inside Driver::run until the guest ends.
#pragma once

#include "os/driver.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace coop::ctl {

class VcpuThreads {
public:
    // What all vCPUs came to: how the guest ended, or why a thread could not run it.
    struct Outcome {
        std::optional<coop_run> run;
        std::string error;
    };
    // finished is called once, from the last thread to return.
    VcpuThreads(Driver& driver, unsigned count, std::function<void(Outcome)> finished);
    // Ends the guest and waits for the threads.
    ~VcpuThreads();
    VcpuThreads(VcpuThreads const&) = delete;
    VcpuThreads& operator=(VcpuThreads const&) = delete;

private:
    void lend(unsigned vcpu);
    void end_and_join();

    Driver& driver_;
    std::function<void(Outcome)> finished_;
    std::atomic<bool> stopping_ = false;
    std::mutex mutex_; // guards what follows
    Outcome outcome_;
    unsigned running_;
    std::vector<std::thread> threads_;
};

} // namespace coop::ctl
