/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * LD_PRELOADed into the real coopctl: the loaded driver's answer to VERSION comes back with the major
 * versions that COOP_CONTROL_MAJOR and COOP_GUEST_MAJOR name, as from a module of another build. All else
 * passes.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tiny.h"

static void replace(coop_u32* number, const char* variable) {
    const char* text = getenv(variable);

    if (text)
        *number = strtoul(text, NULL, 0);
}

int ioctl(int fd, unsigned long request, ...) {
    va_list arguments;

    va_start(arguments, request);
    void* payload = va_arg(arguments, void*);
    va_end(arguments);
    int result = (int)syscall(SYS_ioctl, fd, request, payload);
    if (result == 0 && request == COOP_REQUEST(VERSION, struct coop_version)) {
        struct coop_version* version = payload;
        replace(&version->ioctl_major, "COOP_CONTROL_MAJOR");
        replace(&version->guest_abi_major, "COOP_GUEST_MAJOR");
    }
    return result;
}
