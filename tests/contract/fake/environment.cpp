// SPDX-License-Identifier: GPL-2.0-only
// ContractEnvironment, and what contract.h wants supplied.
#include "fake/environment.hpp"

#include "contract.h"

#include <algorithm>
#include <chrono>
#include <functional>

namespace coop::test {

namespace {

constexpr auto tick = std::chrono::microseconds{50};
constexpr std::uint32_t interrupts_cpu = 0, second_cpu = 4;
ContractEnvironment* the_environment = nullptr;

} // namespace

ContractEnvironment::ContractEnvironment() {
    the_environment = this;
    host.on_time = [] {
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        return static_cast<std::uint64_t>(std::chrono::nanoseconds{now}.count());
    };
    host.on_yield = [] {
        std::this_thread::sleep_for(tick);
        return false;
    };
    interrupts_ = std::thread{[this] {
        FakeHost::move_to(interrupts_cpu);
        while (!stopping_)
            if (!host.fire_due_timer())
                std::this_thread::sleep_for(tick);
    }};
}

ContractEnvironment::~ContractEnvironment() {
    stopping_ = true;
    interrupts_.join();
    the_environment = nullptr;
}

ContractEnvironment& ContractEnvironment::current() {
    return *the_environment;
}

void ContractEnvironment::fail(const std::string& what) {
    const std::lock_guard lock{lock_};
    failures_.push_back(what);
}

std::vector<std::string> ContractEnvironment::failures() const {
    const std::lock_guard lock{lock_};
    return failures_;
}

} // namespace coop::test

using coop::test::ContractEnvironment;
using coop::test::FakeHost;

void contract_fail(const char* file, int line, const char* what) {
    ContractEnvironment::current().fail(std::string{file} + ":" + std::to_string(line) + ": " + what);
}
uint32_t contract_cpus(void) {
    return FakeHost::cpus;
}
uint32_t contract_this_cpu(void) {
    return FakeHost::this_cpu();
}
bool contract_interrupts_off(void) {
    return FakeHost::in_critical_section() || FakeHost::in_interrupt();
}
bool contract_interrupt_pending(void) {
    return FakeHost::current().interrupt_pending(FakeHost::this_cpu());
}
bool contract_kicks_by_nmi() {
    return true;
}
uint64_t contract_nmis(uint32_t cpu) {
    const std::vector<std::uint64_t> kicked = FakeHost::current().arguments("kick_nmi");
    return static_cast<uint64_t>(std::count(kicked.begin(), kicked.end(), cpu));
}
const volatile uint8_t* contract_at(uint64_t phys) {
    FakeHost& host = FakeHost::current();
    const void* page = host.page_va(phys);
    return static_cast<const volatile uint8_t*>(page ? page : host.ram.va(phys));
}
bool contract_in_image(void) {
    return false;
}
bool contract_thread_start(void (*function)(void*), void* argument) {
    ContractEnvironment::current().second = std::thread{[=] {
        FakeHost::move_to(coop::test::second_cpu);
        function(argument);
    }};
    return true;
}
void contract_thread_join(void) {
    ContractEnvironment::current().second.join();
    FakeHost::current().signal_pending(coop::test::second_cpu) = false;
}
void contract_signal(bool pending) {
    FakeHost::current().signal_pending(FakeHost::this_cpu()) = pending;
}
void contract_signal_second(void) {
    FakeHost::current().signal_pending(coop::test::second_cpu) = true;
}
bool contract_rival_start(void) {
    return false;
}
bool contract_rival_ran(void) {
    return true;
}
void contract_rival_join(void) {}
coop_host_notifier* contract_notifier_open(void) {
    return FakeHost::current().make_notifier();
}
bool contract_notifier_woken(coop_host_notifier* notifier) {
    return notifier->signals.exchange(0) != 0;
}
