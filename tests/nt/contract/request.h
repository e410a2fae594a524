/* SPDX-License-Identifier: GPL-2.0-only */
/* The request of \\.\coop_contract. */
#ifndef COOP_CONTRACT_NT_REQUEST_H
#define COOP_CONTRACT_NT_REQUEST_H

#include <stdint.h>

/* CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_READ_DATA | FILE_WRITE_DATA); input and output.
 */
#define CONTRACT_RUN (0x22u << 16 | 3u << 14 | 0x800u << 2)
struct contract_request {
    uint64_t event;  /* an auto-reset one, for the suite's notifier */
    uint32_t number; /* of the case, in the order of contract.def */
    int32_t failed;  /* out: checks that failed, or a negative NTSTATUS */
};

#endif
