/* SPDX-License-Identifier: GPL-2.0-only */
/* One request: its number, its structure and its address each right, nearly right or wild. */
#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "payload.h"
#include "tally.h"

static const unsigned sizes[COOP_REQUEST_COUNT] = {
    [COOP_REQUEST_VERSION] = sizeof(struct coop_version),
    [COOP_REQUEST_HOST] = sizeof(struct coop_host_info),
    [COOP_REQUEST_CREATE] = sizeof(struct coop_create),
    [COOP_REQUEST_EXTENTS] = sizeof(struct coop_extents),
    [COOP_REQUEST_START] = sizeof(struct coop_start),
    [COOP_REQUEST_RUN] = sizeof(struct coop_run),
    [COOP_REQUEST_NOTIFIER] = sizeof(struct coop_notifier_request),
    [COOP_REQUEST_INTERRUPT] = sizeof(struct coop_interrupt),
    [COOP_REQUEST_STATS] = sizeof(struct coop_stats),
    [COOP_REQUEST_LOG] = sizeof(struct coop_log),
    [COOP_REQUEST_EVENT] = sizeof(struct coop_event),
    [COOP_REQUEST_END] = sizeof(struct coop_end),
};

/* The rule of worker.h. */
static bool allowed(int handle, unsigned number) {
    return is_runnable(handle) ? number != COOP_REQUEST_START : number != COOP_REQUEST_RUN;
}

/* Not ours to write: nothing there, the kernel's, not an address at all, a page without access or read-only,
 * or the scratch memory's last bytes. Never an address that could be memory of this process by chance. */
static uint64_t bad_pointer(struct worker* worker) {
    uint64_t end = (uintptr_t)worker->scratch + SCRATCH_BYTES;
    const uint64_t bad[] = {0,
                            1,
                            UINT64_MAX,
                            UINT64_MAX - 4095,
                            0xffff888000000000,
                            0xffffffff81000000,
                            0x8000000000000000,
                            0x00007ffffffffff8,
                            end,
                            end + PAGE,
                            end - 1 - below(&worker->dice, 64)};

    return bad[below(&worker->dice, sizeof(bad) / sizeof(bad[0]))];
}

/* For what a request copies out beside its structure: the upper half of the scratch memory, mostly. */
static uint64_t array_pointer(struct worker* worker) {
    return once_in(&worker->dice, 3)
               ? bad_pointer(worker)
               : (uintptr_t)worker->scratch + SCRATCH_BYTES / 2 + below(&worker->dice, SCRATCH_BYTES / 2);
}

void fill_create(struct dice* dice, struct coop_create* create) {
    snprintf(create->name, sizeof(create->name), "fuzz-%u", (unsigned)below(dice, NAMES));
    create->ram_bytes = LARGE_PAGE * (1 + below(dice, 4));
    create->vcpus = 1;
    create->runs[below(dice, COOP_CREATE_RUNS)] = LARGE_PAGE * below(dice, 3);
    switch (below(dice, 12)) {
    case 0:
        create->vcpus = (uint32_t)edge(dice);
        break;
    case 1:
        create->runs[below(dice, COOP_CREATE_RUNS)] = edge(dice);
        break;
    case 2:
        scribble(dice, create->name, sizeof(create->name));
        break;
    case 3: /* more than there is, far more, or too many bits */
        create->ram_bytes = once_in(dice, 8) ? LARGE_PAGE * below(dice, 1024) : edge(dice) | 1ull << 40;
        break;
    case 4: /* longer than the page allocator's blocks */
        create->ram_bytes = LARGE_PAGE * 8;
        create->runs[0] = LARGE_PAGE * (3 + below(dice, 6));
        break;
    }
}

void set_word(union coop_payload* payload, size_t index, uint64_t value) {
    memcpy((unsigned char*)payload + index * sizeof(value), &value, sizeof(value));
}

static void fill(struct worker* worker, unsigned number, union coop_payload* payload) {
    struct dice* dice = &worker->dice;

    switch (number) {
    case COOP_REQUEST_CREATE:
        fill_create(dice, &payload->create);
        break;
    case COOP_REQUEST_EXTENTS:
        payload->extents =
            (struct coop_extents){.array_ptr = array_pointer(worker), .capacity = (uint32_t)edge(dice)};
        break;
    case COOP_REQUEST_START:
        payload->start = (struct coop_start){edge(dice), edge(dice), edge(dice)};
        break;
    case COOP_REQUEST_RUN:
        payload->run.vcpu = once_in(dice, 8) ? (uint32_t)edge(dice) : 0;
        break;
    case COOP_REQUEST_NOTIFIER:
        payload->notifier.device =
            once_in(dice, 4) ? COOP_NOTIFY_LOG : (uint32_t)below(dice, COOP_MAX_DEVICES + 2);
        payload->notifier.queue =
            once_in(dice, 4) ? COOP_QUEUE_CONFIG : (uint32_t)below(dice, COOP_MAX_QUEUES + 2);
        payload->notifier.handle = once_in(dice, 2) ? UINT64_MAX : edge(dice);
        break;
    case COOP_REQUEST_INTERRUPT:
        payload->interrupt.device = (uint32_t)below(dice, COOP_MAX_DEVICES + 2);
        break;
    case COOP_REQUEST_LOG:
        payload->log = (struct coop_log){.position = once_in(dice, 2) ? 0 : edge(dice),
                                         .data_ptr = array_pointer(worker),
                                         .capacity = (uint32_t)edge(dice)};
        break;
    case COOP_REQUEST_EVENT:
        payload->event.bits = once_in(dice, 2) ? COOP_EVENT_POWER_BUTTON : edge(dice);
        break;
    case COOP_REQUEST_END:
        payload->end.reason = once_in(dice, 8) ? COOP_END_KILLED : (uint32_t)below(dice, 24);
        break;
    }
    if (once_in(dice, 16)) /* one word wrong; RUN's and START's may be as wrong as they like */
        set_word(payload, below(dice, sizes[number] / 8), edge(dice));
}

/* What a request that succeeded may never say. */
static void check(unsigned number, const union coop_payload* sent, const union coop_payload* got) {
    switch (number) {
    case COOP_REQUEST_RUN:
        /* The tiny guest knows no other ends; PANIC is how it says that its registers did not survive. */
        if (got->run.end != COOP_END_POWEROFF && got->run.end != COOP_END_KILLED &&
            !(got->run.end == COOP_END_EXCEPTION && got->run.detail == 6))
            complain("RUN ended with", got->run.end);
        break;
    case COOP_REQUEST_STATS:
        if (got->stats.ram_bytes == 0 || got->stats.frames_owned < got->stats.ram_bytes / PAGE)
            complain("STATS says frames_owned", got->stats.frames_owned);
        break;
    case COOP_REQUEST_EXTENTS:
        if (got->extents.count == 0)
            complain("EXTENTS says count", 0);
        break;
    case COOP_REQUEST_END:
        if (sent->end.reason != COOP_END_KILLED || sent->end.reserved != 0)
            complain("END took reason", sent->end.reason);
        break;
    case COOP_REQUEST_EVENT:
        if (sent->event.bits != COOP_EVENT_POWER_BUTTON)
            complain("EVENT took bits", sent->event.bits);
        break;
    }
}

void send_from(struct worker* worker, int handle, unsigned number, const union coop_payload* payload) {
    unsigned command = _IOC(_IOC_READ | _IOC_WRITE, COOP_IOCTL_TYPE, number, sizes[number]);
    union coop_payload* at = (void*)(worker->scratch + 8 * below(&worker->dice, 64));

    if (once_in(&worker->dice, 8)) {
        void* bad = (void*)(uintptr_t)bad_pointer(worker);
        tally(number, ioctl(handle, command, bad) < 0 ? errno : 0);
        return;
    }
    memcpy(at, payload, sizeof(*at));
    int result = ioctl(handle, command, at);
    tally(number, result < 0 ? errno : 0);
    if (result > 0)
        complain("an ioctl returned", (uint64_t)result);
    if (result == 0)
        check(number, payload, at);
}

static void send_with_eventfd(struct worker* worker, int handle, union coop_payload* payload) {
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    payload->notifier.handle = (uint64_t)event;
    send_from(worker, handle, COOP_REQUEST_NOTIFIER, payload);
    close(event);
}

/* Any number, size and direction. */
static void send_wild(struct worker* worker, int handle) {
    struct dice* dice = &worker->dice;
    unsigned type = once_in(dice, 16) ? (unsigned)below(dice, 256) : COOP_IOCTL_TYPE;
    unsigned number = (unsigned)(once_in(dice, 4) ? below(dice, 256) : below(dice, COOP_REQUEST_COUNT + 2));
    bool known = type == COOP_IOCTL_TYPE && number < COOP_REQUEST_COUNT;
    unsigned size = known && once_in(dice, 2) ? sizes[number] : (unsigned)below(dice, 1 << _IOC_SIZEBITS);
    unsigned direction = once_in(dice, 2) ? _IOC_READ | _IOC_WRITE : (unsigned)below(dice, 4);
    bool right = known && size == sizes[number] && direction == (_IOC_READ | _IOC_WRITE);

    if (type == COOP_IOCTL_TYPE && !allowed(handle, number))
        return;
    scribble(dice, worker->scratch, sizeof(union coop_payload));
    int result = ioctl(handle, _IOC(direction, type, number, size), worker->scratch);
    int outcome = result < 0 ? errno : 0;
    tally(known ? number : TALLY_UNKNOWN, outcome);
    if (known && !right && outcome != EINVAL && outcome != EBADF)
        complain("a request of another size or direction got", (uint64_t)outcome);
    if (type == COOP_IOCTL_TYPE && !known && outcome != ENOTTY && outcome != EBADF)
        complain("a request that does not exist got", (uint64_t)outcome);
}

void random_request(struct worker* worker) {
    int handle = any_handle(worker);
    unsigned number = (unsigned)below(&worker->dice, COOP_REQUEST_COUNT);
    union coop_payload payload = {0};

    if (once_in(&worker->dice, 6)) {
        send_wild(worker, handle);
        return;
    }
    if (!allowed(handle, number) || (number == COOP_REQUEST_CREATE && !once_in(&worker->dice, 4)))
        number = is_runnable(handle) ? COOP_REQUEST_RUN : COOP_REQUEST_START;
    fill(worker, number, &payload);
    if (number == COOP_REQUEST_NOTIFIER && once_in(&worker->dice, 2))
        send_with_eventfd(worker, handle, &payload);
    else if (number == COOP_REQUEST_START && once_in(&worker->dice, 2))
        nearly_start(worker, handle);
    else
        send_from(worker, handle, number, &payload);
}
