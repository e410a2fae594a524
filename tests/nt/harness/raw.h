/* SPDX-License-Identifier: GPL-2.0-only */
/* DeviceIoControl by ioctl. */
#ifndef COOP_NT_HARNESS_RAW_H
#define COOP_NT_HARNESS_RAW_H

#include <linux/ioctl.h>
#include <stdint.h>

struct coop_nt_raw {
    uint32_t code, input_bytes, output_bytes;
    int32_t status;       /* out */
    uint64_t buffer;      /* input and output */
    uint64_t information; /* out */
};
#define COOP_NT_RAW _IOWR(0xc1, 0, struct coop_nt_raw)

#endif
