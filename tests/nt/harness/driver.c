// SPDX-License-Identifier: GPL-2.0-only
/* A driver's life: read, linked, entered, unloaded. */
#include "driver.h"

#include <linux/kernel_read_file.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "double.h"
#include "exports.h"
#include "pe.h"

#define TYPE_DRIVER 4

static struct pe image;
static struct nt_driver* driver;
static u16 path_text[] = u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\coop";
static struct nt_string registry_path = {sizeof(path_text) - 2, sizeof(path_text), path_text};

typedef s32(NT_CALL* entry_routine)(struct nt_driver* driver, const struct nt_string* registry_path);

struct nt_driver* driver_loaded(void) {
    return driver;
}

static int link_file(const char* path) {
    void* file = NULL;
    ssize_t bytes = kernel_read_file_from_path(path, 0, &file, SZ_16M, NULL, READING_FIRMWARE);
    int error;

    if (bytes < 0) {
        pr_err("cannot read %s (error %zd)\n", path, bytes);
        return bytes;
    }
    error = pe_load(file, bytes, double_export, &image);
    vfree(file);
    return error;
}

static int enter(void) {
    s32 status = ((entry_routine)image.entry)(driver, &registry_path);

    if (status) {
        pr_err("DriverEntry returns %#x\n", status);
        return -ENODEV;
    }
    if (!driver->unload) {
        double_complaint("a driver without an unload routine");
    }
    /* As the I/O manager does after DriverEntry. */
    if (driver->devices) {
        driver->devices->flags &= ~NT_DEVICE_INITIALIZING;
    }
    return 0;
}

void driver_forget(void) {
    pe_unload(&image);
    kfree(driver);
    driver = NULL;
}

int driver_load(const char* path) {
    int error = link_file(path);

    if (error) {
        return error;
    }
    driver = kzalloc(sizeof(*driver), GFP_KERNEL);
    if (!driver) {
        return -ENOMEM;
    }
    driver->type = TYPE_DRIVER;
    driver->size = sizeof(*driver);
    driver->start = image.base;
    driver->bytes = image.bytes;
    driver->init = image.entry;
    pr_info("%s at %px, %zu bytes\n", path, image.base, image.bytes);
    return enter();
}

void driver_leave(void) {
    if (driver->unload) {
        driver->unload(driver);
    }
}
