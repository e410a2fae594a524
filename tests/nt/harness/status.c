// SPDX-License-Identifier: GPL-2.0-only
#include "status.h"

#include <linux/errno.h>
#include <linux/kernel.h>

#include "double.h"

int status_errno(int32_t status) {
    static const struct {
        int status, error;
    } table[] = {
        {NT_SUCCESS, 0},
        {NT_CANCELLED, -EINTR},
        {NT_DEVICE_NOT_READY, -ENXIO},
        {NT_INVALID_BLOCK_LENGTH, -E2BIG},
        {NT_INSUFFICIENT_RESOURCES, -ENOMEM},
        {NT_DEVICE_BUSY, -EBUSY},
        {NT_OBJECT_NAME_COLLISION, -EEXIST},
        {NT_INVALID_PARAMETER, -EINVAL},
        {NT_NOT_SUPPORTED, -EOPNOTSUPP},
        {NT_INVALID_DEVICE_REQUEST, -ENOTTY},
        {NT_INFO_LENGTH_MISMATCH, -EINVAL},
        {NT_SHUTDOWN_IN_PROGRESS, -ESHUTDOWN},
        {NT_INVALID_HANDLE, -EBADF},
        {NT_OBJECT_TYPE_MISMATCH, -EINVAL},
    };
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].status == status) {
            return table[i].error;
        }
    }
    double_complaint("the status %#x is none that coop/ioctl_nt.h promises", status);
    return -EIO;
}
