// SPDX-License-Identifier: GPL-2.0-only
// coop/core.h: the C seam to the host shim.
#include "coop/core.h"

#include "monitor/core_state.hpp"
#include "monitor/guest.hpp"

namespace coop {

constinit CoreState core_state;

namespace {

bool same_name(const char* a, const char* b) {
    while (*a != '\0' && *a == *b) {
        ++a;
        ++b;
    }
    return *a == *b;
}

// Context: core_state.mutex held.
bool name_in_use(const char* name) {
    for (const Guest* guest = core_state.guests; guest; guest = guest->next) {
        if (same_name(guest->name(), name))
            return true;
    }
    return false;
}

// False if the name is in use.
bool add_guest(Guest* guest) {
    MutexLock lock{core_state.mutex};
    if (name_in_use(guest->name()))
        return false;
    guest->next = core_state.guests;
    core_state.guests = guest;
    ++core_state.guest_count;
    return true;
}

void remove_guest(Guest* guest) {
    MutexLock lock{core_state.mutex};
    Guest** link = &core_state.guests;
    while (*link != guest)
        link = &(*link)->next;
    *link = guest->next;
    --core_state.guest_count;
}

Guest& of(coop_guest* guest) {
    return *reinterpret_cast<Guest*>(guest);
}

} // namespace
} // namespace coop

using namespace coop;

int coop_core_load(const coop_core_config* config) {
    if (config->tsc_khz == 0 || config->cpus == 0)
        return -COOP_E_INVALID;
    core_state.host = probe_host_features();
    core_state.host.features |= config->features;
    if (core_state.host.refusal == 0) {
        const coop_u32 told = config->features & (COOP_HOST_VBS | COOP_HOST_ENCRYPTED);
        core_state.host.refusal = told & -told; // the lowest of them
    }
    core_state.clock = TscClock{config->tsc_khz};
    // to_ns(khz) is a millisecond.
    core_state.stuck_limit_ticks = config->stuck_limit_ns / 1'000'000 * config->tsc_khz;
    core_state.cpus = config->cpus;
    core_state.mutex = Mutex{coop_host_mutex_create()};
    if (!core_state.mutex)
        return -COOP_E_NO_MEMORY;
    if (Status s = core_state.cpu_slots.create(config->cpus); !s) {
        core_state.mutex.reset();
        return s.status();
    }
    return 0;
}

void coop_core_unload(void) {
    core_state.cpu_slots.destroy();
    core_state.mutex.reset();
}

int coop_core_host_info(coop_host_info* info) {
    *info = {};
    info->features = core_state.host.features;
    info->tsc_khz = core_state.clock.khz();
    info->ram_available = coop_host_ram_available();
    info->xcr0 = core_state.host.xcr0;
    info->cpus = core_state.cpus;
    info->refusal = core_state.host.refusal;
    MutexLock lock{core_state.mutex};
    info->guests = core_state.guest_count;
    return 0;
}

int coop_guest_create(const coop_create* request, coop_guest** guest) {
    if (core_state.host.refusal != 0)
        return -COOP_E_NOT_SUPPORTED;
    Result<Owned<Guest>> created = Guest::create(*request);
    if (!created)
        return created.error().negative();
    Guest* object = created.take().release();
    // The name is taken first: getting the memory can last, and other guests go on meanwhile.
    if (!add_guest(object)) {
        destroy(object);
        return -COOP_E_EXISTS;
    }
    if (Status s = object->take(*request); !s) {
        remove_guest(object);
        destroy(object);
        return s.status();
    }
    *guest = reinterpret_cast<coop_guest*>(object);
    return 0;
}

void coop_guest_destroy(coop_guest* guest) {
    Guest* object = &of(guest);
    remove_guest(object);
    destroy(object);
}

int coop_guest_extent(coop_guest* guest, uint32_t index, coop_extent* extent) {
    const std::span<const coop_extent> extents = of(guest).memory().extents();
    if (index >= extents.size())
        return -COOP_E_INVALID;
    *extent = extents[index];
    return 0;
}

int coop_guest_frame(coop_guest* guest, uint64_t map_offset, uint64_t* phys) {
    Result<Physical> frame = of(guest).memory().frame_at(map_offset);
    if (!frame)
        return frame.error().negative();
    *phys = frame.take().value();
    return 0;
}

int coop_guest_start(coop_guest* guest, const coop_start* request) {
    return of(guest).start(*request).status();
}

int coop_guest_run(coop_guest* guest, coop_run* request) {
    return of(guest).run(*request);
}

int coop_guest_set_notifier(coop_guest* guest, uint32_t device, uint32_t queue,
                            coop_host_notifier* notifier) {
    return of(guest).set_notifier(device, queue, notifier).status();
}

int coop_guest_interrupt(coop_guest* guest, uint32_t device) {
    return of(guest).interrupt(device).status();
}

int coop_guest_stats(coop_guest* guest, coop_stats* stats) {
    of(guest).stats(*stats);
    return 0;
}

int coop_guest_log(coop_guest* guest, uint64_t* position, void* buffer, uint32_t capacity) {
    return static_cast<int>(
        of(guest).log_ring().read(*position, {static_cast<std::uint8_t*>(buffer), capacity}));
}

int coop_guest_event(coop_guest* guest, uint64_t bits) {
    return of(guest).raise(bits).status();
}

int coop_guest_end(coop_guest* guest, uint32_t reason) {
    // The others say what the guest did, or what the monitor found; 0 would be no end at all.
    if (reason != COOP_END_KILLED)
        return -COOP_E_INVALID;
    of(guest).end(reason, 0, 0, 0);
    return 0;
}

void coop_core_watchdog(void) {
    core_state.cpu_slots.check(read_tsc(), core_state.stuck_limit_ticks);
}
