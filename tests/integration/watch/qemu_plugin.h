/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What we use of QEMU's TCG plugin interface (docs/devel/tcg-plugins.rst), at version 1, that of QEMU 6.2
 * to 8.2. Debian packages QEMU without its header, so the declarations are ours.
 *
 * Context: "translate" callbacks run on the thread of the vCPU that is about to run the code, "execute" and
 * "memory" callbacks on that of the vCPU that runs it. With multi-threaded TCG each vCPU has a thread of its
 * own. Handles are valid during the callback that got them.
 */
#ifndef COOP_WATCH_QEMU_PLUGIN_H
#define COOP_WATCH_QEMU_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QEMU_PLUGIN_API_VERSION 1
#define QEMU_PLUGIN_EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;     /* a block being translated */
struct qemu_plugin_insn;   /* one of its instructions */
struct qemu_plugin_hwaddr; /* where a memory access went */

/* What a callback may do with the registers, whether reads or writes are wanted, what inline code does:
 * enumerations in QEMU. */
enum { QEMU_PLUGIN_NO_REGISTERS = 0 };
enum { QEMU_PLUGIN_MEMORY_READ_WRITE = 3 };
enum { QEMU_PLUGIN_INLINE_ADD = 0 }; /* *counter += amount, 64 bits, not atomically */

typedef void qemu_plugin_translate(uint64_t id, struct qemu_plugin_tb* block);
typedef void qemu_plugin_execute(unsigned vcpu, void* data);
typedef void qemu_plugin_memory(unsigned vcpu, uint32_t access, uint64_t address, void* data);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, qemu_plugin_translate* callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb* block, qemu_plugin_execute* callback,
                                          int registers, void* data);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb* block, int operation, void* counter,
                                              uint64_t amount);
/* Runs before the instruction. */
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn* instruction,
                                            qemu_plugin_execute* callback, int registers, void* data);
/* Runs after each access of the instruction to memory. */
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn* instruction, qemu_plugin_memory* callback,
                                      int registers, int direction, void* data);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb* block);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* block, size_t index);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn* instruction);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn* instruction);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn* instruction);

/* Only within a memory callback, with its `access` and `address`. */
bool qemu_plugin_mem_is_store(uint32_t access);
struct qemu_plugin_hwaddr* qemu_plugin_get_hwaddr(uint32_t access, uint64_t address);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr* place);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr* place);
const char* qemu_plugin_hwaddr_device_name(const struct qemu_plugin_hwaddr* place);

/* Ours, for QEMU: the version we are written for; 0 or, to refuse, another value. */
extern QEMU_PLUGIN_EXPORT int qemu_plugin_version;
QEMU_PLUGIN_EXPORT int qemu_plugin_install(uint64_t id, const void* machine, int count, char** arguments);

#endif
