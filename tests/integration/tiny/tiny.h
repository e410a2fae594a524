/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tiny guest by bare ioctls, without the per-guest process: create it, map its first run, put the program
 * of guest.S there, say how to start it. The caller issues START and RUN.
 */
#ifndef COOP_TINY_H
#define COOP_TINY_H

#include <linux/ioctl.h>
#include <stdint.h>

#include "coop/ioctl.h"
#include "program.h"

#define COOP_REQUEST(number, type) \
    _IOC(_IOC_READ | _IOC_WRITE, COOP_IOCTL_TYPE, COOP_REQUEST_##number, sizeof(type))

#define TINY_RAM_BYTES (2u << 20)

struct tiny {
    unsigned char* ram; /* TINY_RAM_BYTES, this process's mapping */
    struct coop_start start;
    uint64_t* parameters; /* of guest.S; see tiny_parameter() */
};

/* offset: PARAM_*. Results are there once RUN has returned. */
static inline uint64_t* tiny_parameter(const struct tiny* tiny, unsigned offset) {
    return tiny->parameters + offset / sizeof(uint64_t);
}

/*
 * A guest of its own on device, which has none yet. mode: TINY_*. ticks: 0 for a millisecond. devices: how
 * many device pages the shared area tells of. Returns 0, or -1 with errno and *what naming the step that
 * failed. Owner: caller, tiny_unmap (the guest goes with the file).
 */
int tiny_make(int device, const char* name, unsigned mode, uint64_t count, uint64_t ticks, uint32_t devices,
              struct tiny* tiny, const char** what);
void tiny_unmap(struct tiny* tiny);

#endif
