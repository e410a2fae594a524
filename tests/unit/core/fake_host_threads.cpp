// SPDX-License-Identifier: GPL-2.0-only
// FakeHost: critical sections, interrupts, threads and timers.
#include "core/fake_host_parts.hpp"

#include <chrono>
#include <utility>

namespace coop::test {

namespace {

// Longer than any wait in a right test takes; a hang becomes a failure.
constexpr auto patience = std::chrono::seconds{20};
// How soon a wait sees a signal.
constexpr auto glance = std::chrono::milliseconds{1};

} // namespace

void FakeHost::move_to(std::uint32_t cpu) {
    thread.cpu = cpu;
}

bool FakeHost::in_critical_section() {
    return thread.critical;
}

bool FakeHost::in_interrupt() {
    return thread.callback != nullptr;
}

std::uint32_t FakeHost::this_cpu() {
    return thread.cpu;
}

std::uint32_t FakeHost::critical_begin() {
    note("critical_begin");
    may_sleep("critical_begin");
    thread.critical = true;
    if (signal_pending(thread.cpu))
        interrupt_pending(thread.cpu) = true;
    return thread.cpu;
}

void FakeHost::critical_end() {
    note("critical_end");
    if (!thread.critical)
        violation("critical_end outside a critical section");
    if (thread.guest_time)
        violation("critical_end in guest time");
    thread.critical = false;
    interrupt_pending(thread.cpu) = false; // taken now
    if (on_critical_end)
        std::exchange(on_critical_end, nullptr)();
}

void FakeHost::kick(std::uint32_t cpu) {
    note("kick", cpu);
    if (cpu >= cpus)
        return violation("kick of a CPU that is not there");
    interrupt_pending(cpu) = true;
}

void FakeHost::kick_nmi(std::uint32_t cpu) {
    note("kick_nmi", cpu);
    if (cpu >= cpus)
        violation("kick_nmi of a CPU that is not there");
    if (on_kick_nmi)
        on_kick_nmi();
}

void FakeHost::interrupt_self() {
    note("interrupt_self");
    if (!thread.critical)
        violation("interrupt_self outside a critical section");
    interrupt_pending(thread.cpu) = true;
}

void FakeHost::guest_time(bool begin) {
    note(begin ? "guest_time_begin" : "guest_time_end");
    if (!thread.critical)
        violation("guest time outside a critical section");
    if (thread.guest_time == begin)
        violation("guest time begun or ended twice");
    thread.guest_time = begin;
}

bool FakeHost::yield() {
    note("yield");
    may_sleep("yield");
    if (thread.mutexes != 0)
        violation("yield with a mutex held");
    const bool asked = on_yield && on_yield();
    return asked || signal_pending(thread.cpu);
}

coop_host_event* FakeHost::event_create() {
    may_sleep("event_create");
    Lock lock{lock_};
    if (refuse("event_create"))
        return nullptr;
    auto event = std::make_unique<coop_host_event>();
    coop_host_event* raw = event.get();
    events_[raw] = std::move(event);
    return raw;
}

void FakeHost::event_destroy(coop_host_event* event) {
    remove(events_, event, "event_destroy");
}

void FakeHost::event_signal(coop_host_event* event) {
    note("event_signal");
    const std::lock_guard lock{event->mutex};
    event->signalled = true;
    event->changed.notify_one();
}

int FakeHost::event_wait(coop_host_event* event) {
    note("event_wait");
    may_sleep("event_wait");
    if (thread.mutexes != 0)
        violation("event_wait with a mutex held");
    if (const int status = on_wait ? on_wait() : 0; status != 0)
        return status;
    std::unique_lock lock{event->mutex};
    const auto signalled = [&] { return event->signalled; };
    for (auto waited = 0 * glance; !signal_pending(thread.cpu); waited += glance) {
        if (event->changed.wait_for(lock, glance, signalled)) {
            event->signalled = false;
            return 0;
        }
        if (waited < patience)
            continue;
        violation("event_wait for an event that nobody signals");
        break;
    }
    return -COOP_E_INTERRUPTED;
}

coop_host_mutex* FakeHost::mutex_create() {
    may_sleep("mutex_create");
    Lock lock{lock_};
    if (refuse("mutex_create"))
        return nullptr;
    auto mutex = std::make_unique<coop_host_mutex>();
    coop_host_mutex* raw = mutex.get();
    mutexes_[raw] = std::move(mutex);
    return raw;
}

void FakeHost::mutex_destroy(coop_host_mutex* mutex) {
    remove(mutexes_, mutex, "mutex_destroy");
}

void FakeHost::mutex_lock(coop_host_mutex* mutex) {
    may_sleep("mutex_lock");
    // By this clock, ThreadSanitizer understands it.
    if (!mutex->mutex.try_lock_until(std::chrono::system_clock::now() + patience))
        throw CoreBug{"a mutex is held for ever"};
    ++thread.mutexes;
}

void FakeHost::mutex_unlock(coop_host_mutex* mutex) {
    if (thread.mutexes == 0)
        return violation("mutex_unlock of a mutex that is not held");
    --thread.mutexes;
    mutex->mutex.unlock();
}

coop_host_timer* FakeHost::timer_create(void (*callback)(void*), void* context) {
    may_sleep("timer_create");
    Lock lock{lock_};
    if (refuse("timer_create"))
        return nullptr;
    std::unique_ptr<coop_host_timer> timer{new coop_host_timer{callback, context}};
    coop_host_timer* raw = timer.get();
    timers_[raw] = std::move(timer);
    return raw;
}

void FakeHost::timer_destroy(coop_host_timer* timer) {
    {
        Lock lock{lock_};
        timer->delay_ns.reset();
    }
    timer->running.lock();
    timer->running.unlock();
    remove(timers_, timer, "timer_destroy");
}

void FakeHost::timer_arm(coop_host_timer* timer, std::uint64_t delay_ns) {
    Lock lock{lock_};
    note("timer_arm", delay_ns);
    if (thread.callback == timer)
        violation("timer_arm in its own callback");
    if (!known(timers_, timer, "timer_arm"))
        return;
    const std::uint64_t now = time_ns();
    timer->delay_ns = delay_ns;
    timer->deadline = delay_ns < UINT64_MAX - now ? now + delay_ns : UINT64_MAX;
}

void FakeHost::timer_cancel(coop_host_timer* timer) {
    Lock lock{lock_};
    note("timer_cancel");
    if (known(timers_, timer, "timer_cancel"))
        timer->delay_ns.reset();
}

std::optional<std::uint64_t> FakeHost::timer_delay() const {
    Lock lock{lock_};
    for (const auto& [raw, timer] : timers_)
        if (timer->delay_ns)
            return timer->delay_ns;
    return std::nullopt;
}

bool FakeHost::fire_if(bool due) {
    coop_host_timer* fired = nullptr;
    {
        Lock lock{lock_};
        for (const auto& [raw, timer] : timers_)
            if (timer->delay_ns && (!due || timer->deadline <= time_ns()))
                fired = raw;
        // Taken before a destroy can see the timer disarmed; one that is still running comes again.
        if (!fired || !fired->running.try_lock())
            return false;
        fired->delay_ns.reset();
    }
    const std::unique_lock running{fired->running, std::adopt_lock};
    const coop_host_timer* before = std::exchange(thread.callback, fired);
    fired->callback(fired->context);
    thread.callback = before;
    return true;
}

} // namespace coop::test
