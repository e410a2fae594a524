/* SPDX-License-Identifier: GPL-2.0-only */
/* The I/O manager: what the double sends to a driver. */
#ifndef COOP_NT_HARNESS_IO_H
#define COOP_NT_HARNESS_IO_H

#include <stdint.h>

#include "nt.h"

/* A file object on the driver's device; NULL: no memory, or no device. Owner: caller, file_free after CLOSE.
 */
struct nt_file* file_new(struct nt_driver* driver);
void file_free(struct nt_file* file);

/*
 * Sends one request and waits for its end; a signal cancels it. A control code travels as METHOD_BUFFERED
 * says: buffer holds the larger of both lengths, is the input and becomes the output. Returns its status.
 * Context: may sleep.
 */
struct io_request {
    uint8_t major;
    uint32_t code;
    void* buffer;
    uint32_t input_bytes, output_bytes;
    uint64_t information; /* out */
};
int32_t io_send(struct nt_file* file, struct io_request* request);

/* The machine is about to shut down: those who asked are told. */
void io_shutdown(void);

#endif
