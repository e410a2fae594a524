// SPDX-License-Identifier: GPL-2.0-only
// Owned<T>: an object on the host's heap with one owner. Handle: the same for the host's opaque objects.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <new>
#include <utility>

namespace coop {

template <class T, void (*Release)(T*)>
class Handle {
public:
    Handle() = default;
    explicit Handle(T* object) : object_{object} {}
    Handle(Handle&& other) noexcept : object_{std::exchange(other.object_, nullptr)} {}
    Handle& operator=(Handle&& other) noexcept {
        if (this != &other)
            reset(std::exchange(other.object_, nullptr));
        return *this;
    }
    ~Handle() { reset(); }

    void reset(T* object = nullptr) {
        if (object_) // NOLINT(clang-analyzer-core.uninitialized.Branch): it loses track in COOP_TRY
            Release(object_);
        object_ = object;
    }
    T* release() { return std::exchange(object_, nullptr); }
    T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }

private:
    T* object_ = nullptr;
};

template <class T>
void destroy(T* object) {
    object->~T();
    coop_host_free(object);
}

template <class T>
using Owned = Handle<T, destroy<T>>;

// Context: may sleep. Fails: COOP_E_NO_MEMORY.
template <class T, class... Arguments>
Result<Owned<T>> make_owned(Arguments&&... arguments) {
    static_assert(alignof(T) <= 16);
    void* memory = coop_host_alloc(sizeof(T));
    if (!memory)
        return Error{COOP_E_NO_MEMORY};
    return Owned<T>{new (memory) T{std::forward<Arguments>(arguments)...}};
}

using Event = Handle<coop_host_event, coop_host_event_destroy>;
using Timer = Handle<coop_host_timer, coop_host_timer_destroy>;
using Mutex = Handle<coop_host_mutex, coop_host_mutex_destroy>;
using Notifier = Handle<coop_host_notifier, coop_host_notifier_release>;

class MutexLock {
public:
    explicit MutexLock(const Mutex& mutex) : mutex_{mutex.get()} { coop_host_mutex_lock(mutex_); }
    MutexLock(const MutexLock&) = delete;
    ~MutexLock() { coop_host_mutex_unlock(mutex_); }

private:
    coop_host_mutex* mutex_;
};

} // namespace coop
