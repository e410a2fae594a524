// SPDX-License-Identifier: GPL-2.0-only
// What the contract suite needs around the fake host: a clock that goes on, and a thread for its interrupts.
#pragma once

#include "core/fake_host.hpp"

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace coop::test {

// One at a time.
class ContractEnvironment {
public:
    ContractEnvironment();
    ContractEnvironment(const ContractEnvironment&) = delete;
    ContractEnvironment& operator=(const ContractEnvironment&) = delete;
    ~ContractEnvironment();
    static ContractEnvironment& current();

    FakeHost host;
    std::thread second;

    // From any thread.
    void fail(const std::string& what);
    std::vector<std::string> failures() const;

private:
    mutable std::mutex lock_;
    std::vector<std::string> failures_;
    std::atomic<bool> stopping_{false};
    std::thread interrupts_;
};

} // namespace coop::test
