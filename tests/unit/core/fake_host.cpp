// SPDX-License-Identifier: GPL-2.0-only
// FakeHost: what it remembers and what it proves in the end.
#include "core/fake_host.hpp"

#include "core/fake_host_parts.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <ostream>

namespace coop::test {

namespace {

FakeHost* the_host = nullptr;

} // namespace

std::ostream& operator<<(std::ostream& out, const Holdings& h) {
    return out << "heap blocks " << h.heap_blocks << ", page blocks " << h.page_blocks << ", RAM runs "
               << h.ram_runs << ", events " << h.events << ", mutexes " << h.mutexes << ", timers "
               << h.timers << ", notifiers " << h.notifiers;
}

FakeHost::FakeHost() {
    the_host = this;
    thread = {};
}

FakeHost::~FakeHost() {
    CHECK(holdings() == Holdings{});
    CHECK(take_violations() == std::vector<std::string>{});
    CHECK_FALSE(thread.critical);
    CHECK(thread.mutexes == 0);
    for (const auto& [block, bytes] : heap_)
        std::free(static_cast<char*>(block) - heap_offset);
    for (const auto& [va, pages] : pages_)
        std::free(const_cast<char*>(va));
    the_host = nullptr;
}

FakeHost& FakeHost::current() {
    return *the_host;
}

Holdings FakeHost::holdings() const {
    Lock lock{lock_};
    return {heap_.size(),    pages_.size(),  ram.runs(),       events_.size(),
            mutexes_.size(), timers_.size(), notifiers_.size()};
}

void FakeHost::fail_call(unsigned n) {
    Lock lock{lock_};
    calls_to_refusal_ = n;
    refused_call_.clear();
}

std::string FakeHost::refused_call() const {
    Lock lock{lock_};
    return refused_call_;
}

bool FakeHost::refuse(const char* name) {
    if (calls_to_refusal_ == 0 || --calls_to_refusal_ != 0)
        return false;
    refused_call_ = name;
    return true;
}

void FakeHost::note(const char* name, std::uint64_t argument) {
    Lock lock{lock_};
    history_.push_back({name, argument});
}

std::vector<std::string> FakeHost::history() const {
    Lock lock{lock_};
    std::vector<std::string> names;
    for (const Call& call : history_)
        names.push_back(call.name);
    return names;
}

std::size_t FakeHost::count(const std::string& name) const {
    return arguments(name).size();
}

std::vector<std::uint64_t> FakeHost::arguments(const std::string& name) const {
    Lock lock{lock_};
    std::vector<std::uint64_t> found;
    for (const Call& call : history_)
        if (call.name == name)
            found.push_back(call.argument);
    return found;
}

void FakeHost::forget_history() {
    Lock lock{lock_};
    history_.clear();
}

void FakeHost::violation(const std::string& what) {
    Lock lock{lock_};
    violations_.push_back(what);
}

std::vector<std::string> FakeHost::take_violations() {
    Lock lock{lock_};
    return std::exchange(violations_, {});
}

void FakeHost::may_sleep(const char* name) {
    if (thread.critical)
        violation(std::string{name} + " inside a critical section");
    if (thread.callback)
        violation(std::string{name} + " in interrupt context");
}

coop_host_notifier* FakeHost::make_notifier() {
    Lock lock{lock_};
    auto notifier = std::make_unique<coop_host_notifier>();
    coop_host_notifier* raw = notifier.get();
    notifiers_[raw] = std::move(notifier);
    return raw;
}

bool FakeHost::released(coop_host_notifier* notifier) const {
    Lock lock{lock_};
    return released_notifiers_.contains(notifier);
}

void FakeHost::notifier_signal(coop_host_notifier* notifier) {
    Lock lock{lock_};
    if (known(notifiers_, notifier, "notifier_signal"))
        ++notifier->signals;
}

void FakeHost::notifier_release(coop_host_notifier* notifier) {
    may_sleep("notifier_release");
    Lock lock{lock_};
    if (known(notifiers_, notifier, "notifier_release"))
        released_notifiers_.insert(notifiers_.extract(notifier));
}

} // namespace coop::test
