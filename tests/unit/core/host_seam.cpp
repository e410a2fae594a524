// SPDX-License-Identifier: GPL-2.0-only
// coop/host.h, answered by the test's FakeHost.
#include "core/fake_host.hpp"

using coop::test::CoreBug;
using coop::test::FakeHost;

namespace {

FakeHost& host() {
    return FakeHost::current();
}

} // namespace

void* coop_host_alloc(size_t bytes) {
    return host().alloc(bytes);
}
void coop_host_free(void* p) {
    host().free(p);
}
void* coop_host_pages_alloc(size_t pages) {
    return host().pages_alloc(pages);
}
void coop_host_pages_free(void* va, size_t pages) {
    host().pages_free(va, pages);
}
int coop_host_ram_alloc(uint64_t bytes, uint64_t* phys) {
    return host().ram_alloc(bytes, phys);
}
void coop_host_ram_free(uint64_t phys, uint64_t bytes) {
    host().ram_free(phys, bytes);
}
uint64_t coop_host_ram_available(void) {
    return host().ram_available();
}
void* coop_host_ram_va(uint64_t phys) {
    return host().ram_va(phys);
}
uint64_t coop_host_phys(const void* va) {
    return host().phys(va);
}
uint32_t coop_host_critical_begin(void) {
    return host().critical_begin();
}
void coop_host_critical_end(void) {
    host().critical_end();
}
void coop_host_kick(uint32_t cpu) {
    host().kick(cpu);
}
void coop_host_kick_nmi(uint32_t cpu) {
    host().kick_nmi(cpu);
}
void coop_host_interrupt_self(void) {
    host().interrupt_self();
}
void coop_host_guest_time_begin(void) {
    host().guest_time(true);
}
void coop_host_guest_time_end(void) {
    host().guest_time(false);
}
bool coop_host_yield(void) {
    return host().yield();
}
coop_host_event* coop_host_event_create(void) {
    return host().event_create();
}
void coop_host_event_destroy(coop_host_event* event) {
    host().event_destroy(event);
}
void coop_host_event_signal(coop_host_event* event) {
    host().event_signal(event);
}
int coop_host_event_wait(coop_host_event* event) {
    return host().event_wait(event);
}
coop_host_mutex* coop_host_mutex_create(void) {
    return host().mutex_create();
}
void coop_host_mutex_destroy(coop_host_mutex* mutex) {
    host().mutex_destroy(mutex);
}
void coop_host_mutex_lock(coop_host_mutex* mutex) {
    host().mutex_lock(mutex);
}
void coop_host_mutex_unlock(coop_host_mutex* mutex) {
    host().mutex_unlock(mutex);
}
uint64_t coop_host_time_ns(void) {
    return host().time_ns();
}
coop_host_timer* coop_host_timer_create(void (*callback)(void*), void* context) {
    return host().timer_create(callback, context);
}
void coop_host_timer_destroy(coop_host_timer* timer) {
    host().timer_destroy(timer);
}
void coop_host_timer_arm(coop_host_timer* timer, uint64_t delay_ns) {
    host().timer_arm(timer, delay_ns);
}
void coop_host_timer_cancel(coop_host_timer* timer) {
    host().timer_cancel(timer);
}
void coop_host_notifier_signal(coop_host_notifier* notifier) {
    host().notifier_signal(notifier);
}
void coop_host_notifier_release(coop_host_notifier* notifier) {
    host().notifier_release(notifier);
}
void coop_host_bug(const char* file, int line, const char* what) {
    throw CoreBug{std::string{file} + ":" + std::to_string(line) + ": " + what};
}
