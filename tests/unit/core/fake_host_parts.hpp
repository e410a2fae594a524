// SPDX-License-Identifier: GPL-2.0-only
// What the parts of FakeHost share.
#pragma once

#include "core/fake_host.hpp"

namespace coop::test {

// In front of each heap block: its alignment is 16 and no better.
inline constexpr std::size_t heap_offset = 16;

// What the contract's context rules depend on.
struct ThreadContext {
    bool critical = false;
    bool guest_time = false;
    const coop_host_timer* callback = nullptr; // whose runs
    unsigned mutexes = 0;
    std::uint32_t cpu = FakeHost::default_cpu;
};
inline thread_local ThreadContext thread;

using Lock = std::lock_guard<std::recursive_mutex>;

template <class T>
bool FakeHost::known(const Objects<T>& objects, T* object, const char* name) {
    if (objects.contains(object))
        return true;
    violation(std::string{name} + " of something that is not there");
    return false;
}

template <class T>
void FakeHost::remove(Objects<T>& objects, T* object, const char* name) {
    may_sleep(name);
    Lock lock{lock_};
    if (known(objects, object, name))
        objects.erase(object);
}

} // namespace coop::test
