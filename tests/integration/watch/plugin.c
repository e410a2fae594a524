/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A QEMU plugin that watches what guests of libcoop do in an emulated host: which instructions that could
 * concern hardware they execute, and which physical memory their kernels touch. Use: -plugin
 * coop_watch.so,report=FILE.
 *
 * Guest or host: a CPU enters a guest by the IRETQ in the guest view of the passage and leaves it through any
 * other code there. Code is instrumented only if it is translated while the CPU is in a guest. That is
 * enough: QEMU keeps translations by physical page and drops them when the page is written, and the two
 * worlds share no page of code but the passage, which is told by its address.
 *
 * Memory accesses are watched in kernel code, that is in the upper half of the address space, and before a
 * guest first gets there.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "coop/guest/abi.h"
#include "decode.h"
#include "qemu_plugin.h"
#include "report.h"

int qemu_plugin_version = QEMU_PLUGIN_API_VERSION;

static struct watch_report* report;
static _Thread_local bool in_guest; /* a vCPU has a thread of its own */
static bool kernel_half_reached;

static void on_enter(unsigned vcpu, void* data) {
    (void)vcpu, (void)data;
    in_guest = true;
    __atomic_fetch_add(&report->entries, 1, __ATOMIC_RELAXED);
}

static void on_passage(unsigned vcpu, void* data) {
    (void)vcpu, (void)data;
    in_guest = false;
}

static void on_watched(unsigned vcpu, void* data) {
    struct watch_record* record = data;
    (void)vcpu;
    __atomic_fetch_add(&record->count, 1, __ATOMIC_RELAXED);
}

static bool is_passage(uint64_t address) {
    return address - COOP_PASSAGE_VA < COOP_PASSAGE_VCPU_STRIDE;
}

/* Text and data: what the monitor and the guest share by design. */
static bool is_passage_memory(uint64_t address) {
    return address - COOP_PASSAGE_VA < (COOP_MAX_VCPUS + 1) * (uint64_t)COOP_PASSAGE_VCPU_STRIDE;
}

static void on_device(const struct qemu_plugin_hwaddr* place, bool store, uint64_t instruction) {
    struct watch_record* record =
        watch_report_record(report, instruction, store ? "mmio write" : "mmio read", WATCH_UNKNOWN);
    if (!record)
        return;
    if (__atomic_fetch_add(&record->count, 1, __ATOMIC_RELAXED) == 0) {
        record->physical = qemu_plugin_hwaddr_phys_addr(place);
        strncpy(record->device, qemu_plugin_hwaddr_device_name(place), sizeof(record->device) - 1);
    }
}

static void on_memory(unsigned vcpu, uint32_t access, uint64_t address, void* data) {
    (void)vcpu;
    /* QEMU 7.2 forgets to end the callback if an instruction leaves its block: accesses of the passage and
     * the host would follow. */
    if (!in_guest)
        return;
    report->accesses++;
    struct qemu_plugin_hwaddr* place = qemu_plugin_get_hwaddr(access, address);
    if (qemu_plugin_hwaddr_is_io(place)) {
        on_device(place, qemu_plugin_mem_is_store(access), (uint64_t)data);
    } else if (!is_passage_memory(address)) {
        uint64_t page = qemu_plugin_hwaddr_phys_addr(place) >> 12;
        if (page >= WATCH_PAGES)
            report->lost++;
        else if (!report->pages[page])
            report->pages[page] = (uint64_t)data;
    }
}

static void translate_passage(struct qemu_plugin_tb* block) {
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_passage, QEMU_PLUGIN_NO_REGISTERS, NULL);
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn* instruction = qemu_plugin_tb_get_insn(block, i);
        if (watch_is_iretq(qemu_plugin_insn_data(instruction), qemu_plugin_insn_size(instruction)))
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_enter, QEMU_PLUGIN_NO_REGISTERS, NULL);
    }
}

static void translate_guest(struct qemu_plugin_tb* block) {
    uint64_t start = qemu_plugin_tb_vaddr(block);
    bool kernel_half = start >> 63;
    size_t count = qemu_plugin_tb_n_insns(block);
    uint32_t ecx = WATCH_UNKNOWN, port = WATCH_UNKNOWN;

    if (!report->first)
        report->first = start;
    if (kernel_half)
        kernel_half_reached = true;
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD, &report->executed, count);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn* instruction = qemu_plugin_tb_get_insn(block, i);
        const uint8_t* code = qemu_plugin_insn_data(instruction);
        size_t size = qemu_plugin_insn_size(instruction);
        uint64_t address = qemu_plugin_insn_vaddr(instruction);

        const char* what = watch_decode(code, size, &port);
        if (what) {
            bool msr = !strcmp(what, "rdmsr") || !strcmp(what, "wrmsr");
            struct watch_record* record = watch_report_record(report, address, what, msr ? ecx : port);
            if (record)
                qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_watched, QEMU_PLUGIN_NO_REGISTERS,
                                                       record);
        }
        watch_follow_ecx(code, size, &ecx);
        if (kernel_half || !kernel_half_reached)
            qemu_plugin_register_vcpu_mem_cb(instruction, on_memory, QEMU_PLUGIN_NO_REGISTERS,
                                             QEMU_PLUGIN_MEMORY_READ_WRITE, (void*)address);
    }
}

static void on_translate(uint64_t id, struct qemu_plugin_tb* block) {
    (void)id;
    if (is_passage(qemu_plugin_tb_vaddr(block)))
        translate_passage(block);
    else if (in_guest)
        translate_guest(block);
}

int qemu_plugin_install(uint64_t id, const void* machine, int count, char** arguments) {
    static const char option[] = "report=";
    (void)machine;
    if (count != 1 || strncmp(arguments[0], option, strlen(option)) != 0) {
        fputs("coop_watch: takes one argument: report=FILE\n", stderr);
        return -1;
    }
    report = watch_report_create(arguments[0] + strlen(option));
    if (!report) {
        fprintf(stderr, "coop_watch: cannot create %s: %s\n", arguments[0] + strlen(option), strerror(errno));
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    return 0;
}
