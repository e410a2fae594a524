// SPDX-License-Identifier: GPL-2.0-only
// FakeHost: the host contract for tests. It counts what the core holds, makes a chosen call fail, lets the
// test move time, and watches the contract's context rules. Its destructor fails the test for anything left
// behind and any rule broken.
#pragma once

#include "coop/host.h"
#include "core/fake_ram.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

struct coop_host_event {
    std::mutex mutex;
    std::condition_variable changed;
    bool signalled = false;
};
struct coop_host_mutex {
    std::timed_mutex mutex;
};
struct coop_host_timer {
    void (*callback)(void*);
    void* context;
    std::optional<std::uint64_t> delay_ns{}; // while armed
    std::uint64_t deadline = 0;
    std::recursive_mutex running{}; // held by the callback; destroy waits for it
};
struct coop_host_notifier {
    std::atomic<unsigned> signals{0};
};

namespace coop::test {

// What the core holds of the host's.
struct Holdings {
    std::size_t heap_blocks = 0, page_blocks = 0, ram_runs = 0, events = 0, mutexes = 0, timers = 0,
                notifiers = 0;
    bool operator==(const Holdings&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Holdings& holdings);

// coop_host_bug was called.
struct CoreBug : std::logic_error {
    using std::logic_error::logic_error;
};

class FakeHost {
public:
    static constexpr std::uint32_t cpus = 8;
    static constexpr std::uint32_t default_cpu = 3;

    FakeHost();
    FakeHost(const FakeHost&) = delete;
    FakeHost& operator=(const FakeHost&) = delete;
    ~FakeHost();
    static FakeHost& current();

    FakeRam ram;                    // set up by tests, before the core uses it
    std::function<bool()> on_yield; // answers yield; without one, no thread is due to return
    std::function<int()>
        on_wait; // called at each wait, before it looks; not 0: what the wait returns. Without one, it blocks
    std::function<void()> on_kick_nmi;
    std::function<void()> on_critical_end;  // called once, behind the next
    std::function<std::uint64_t()> on_time; // answers time_ns; without one, time goes on by advance alone

    Holdings holdings() const;
    // The n-th call from now (1: the next) that can be refused is refused; 0: none.
    void fail_call(unsigned n);
    // Name of the call that was refused; empty if it has not come to it.
    std::string refused_call() const;

    void advance(std::uint64_t ns) { now_ns_ += ns; }
    // What the armed timer, of at most one, has been armed for.
    std::optional<std::uint64_t> timer_delay() const;
    // Runs the armed timer's callback in interrupt context; false if none is armed.
    bool fire_timer() { return fire_if(false); }
    // Likewise, if its time has come. For one thread beside the test's.
    bool fire_due_timer() { return fire_if(true); }
    // The thread on that CPU should return to user space.
    std::atomic<bool>& signal_pending(std::uint32_t cpu) { return signal_pending_.at(cpu); }

    // A notifier as a shim would hand it over; it stays readable after the core has released it.
    coop_host_notifier* make_notifier();
    bool released(coop_host_notifier* notifier) const;

    // An interrupt that has arrived at a CPU whose interrupts are off.
    std::atomic<bool>& interrupt_pending(std::uint32_t cpu) { return interrupt_pending_.at(cpu); }
    // The calling thread runs on that CPU from now on.
    static void move_to(std::uint32_t cpu);
    static bool in_critical_section();
    static bool in_interrupt();
    static std::uint32_t this_cpu();

    // Calls seen, in order, by name without "coop_host_"; the scripted World notes its own here too.
    struct Call {
        std::string name;
        std::uint64_t argument;
    };
    void note(const char* name, std::uint64_t argument = 0);
    std::vector<std::string> history() const;
    std::size_t count(const std::string& name) const;
    std::vector<std::uint64_t> arguments(const std::string& name) const;
    void forget_history();

    // A rule of the contract was broken.
    void violation(const std::string& what);
    // For tests of this class: what has been found so far, which is thereby forgiven.
    std::vector<std::string> take_violations();

    // The contract, called by host_seam.cpp.
    void* alloc(std::size_t bytes);
    void free(void* p);
    void* pages_alloc(std::size_t pages);
    void pages_free(void* va, std::size_t pages);
    int ram_alloc(std::uint64_t bytes, std::uint64_t* physical);
    void ram_free(std::uint64_t physical, std::uint64_t bytes);
    std::uint64_t ram_available();
    void* ram_va(std::uint64_t physical);
    std::uint64_t phys(const void* va);
    void* page_va(std::uint64_t physical) const; // the inverse, for tests; nullptr if there is no such page
    std::uint32_t critical_begin();
    void critical_end();
    void kick(std::uint32_t cpu);
    void kick_nmi(std::uint32_t cpu);
    void interrupt_self();
    void guest_time(bool begin);
    bool yield();
    coop_host_event* event_create();
    void event_destroy(coop_host_event* event);
    void event_signal(coop_host_event* event);
    int event_wait(coop_host_event* event);
    coop_host_mutex* mutex_create();
    void mutex_destroy(coop_host_mutex* mutex);
    void mutex_lock(coop_host_mutex* mutex);
    void mutex_unlock(coop_host_mutex* mutex);
    std::uint64_t time_ns() const { return on_time ? on_time() : now_ns_.load(); }
    coop_host_timer* timer_create(void (*callback)(void*), void* context);
    void timer_destroy(coop_host_timer* timer);
    void timer_arm(coop_host_timer* timer, std::uint64_t delay_ns);
    void timer_cancel(coop_host_timer* timer);
    void notifier_signal(coop_host_notifier* notifier);
    void notifier_release(coop_host_notifier* notifier);

private:
    struct Pages {
        std::size_t count;
        std::uint64_t physical;
    };
    template <class T>
    using Objects = std::map<T*, std::unique_ptr<T>>;

    void may_sleep(const char* name);
    bool refuse(const char* name);
    bool fire_if(bool due);
    template <class T>
    bool known(const Objects<T>& objects, T* object, const char* name);
    template <class T>
    void remove(Objects<T>& objects, T* object, const char* name);

    mutable std::recursive_mutex lock_; // of everything below
    std::vector<Call> history_;
    std::vector<std::string> violations_;
    unsigned calls_to_refusal_ = 0;
    std::string refused_call_;
    std::map<void*, std::size_t> heap_;
    std::map<const char*, Pages> pages_;
    std::uint64_t next_page_ = 0x7f'0000'0000;
    Objects<coop_host_event> events_;
    Objects<coop_host_mutex> mutexes_;
    Objects<coop_host_timer> timers_;
    Objects<coop_host_notifier> notifiers_, released_notifiers_;
    std::atomic<std::uint64_t> now_ns_{1'000'000'000};
    std::array<std::atomic<bool>, cpus> interrupt_pending_{}, signal_pending_{};
};

} // namespace coop::test
