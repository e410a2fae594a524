// SPDX-License-Identifier: GPL-2.0-only
// A vCPU's passage data as C++ sees it; passage_layout.h has the same offsets for assembly.
#pragma once

#include "arch/x86_64/cpu.hpp"
#include "arch/x86_64/passage_layout.h"
#include "coop/guest/abi.h"

#include <cstddef>
#include <cstdint>

namespace coop {

struct WorldRegisters {
    std::uint64_t cr0, cr3, cr4, gs_base, dr7, rsp;
    alignas(16) cpu::TablePointer gdtr;
    alignas(16) cpu::TablePointer idtr;
    alignas(16) std::uint16_t ds;
    std::uint16_t es, fs, gs, tr, ldtr, ss;
};

struct Gate { // 64-bit IDT gate, SDM 3A 6.14.1
    std::uint64_t low, high;
};

struct alignas(4096) PassageData {
    WorldRegisters host;
    alignas(128) WorldRegisters guest;
    alignas(128) std::uint64_t gpr[16];
    std::uint64_t vector, error, pending;
    std::uint32_t loads;
    std::uint64_t inject_rsp, inject_rip;
    std::uint64_t intermediate_cr3;
    std::uint64_t text_host, text_guest;
    std::uint64_t host_view, guest_view;
    std::uint64_t self_host, self_guest;
    std::uint64_t host_cr4_no_pge;
    alignas(16) cpu::TablePointer idt_host_pointer;
    alignas(16) cpu::TablePointer idt_guest_pointer;
    alignas(16) cpu::TablePointer gdt_host_pointer;
    alignas(16) cpu::TablePointer gdt_guest_pointer;
    alignas(16) std::uint64_t boot_tss_descriptor[2];

    alignas(4096) Gate idt_host[32];
    std::uint64_t idt_host_self;
    alignas(0x400) Gate idt_guest[32];
    std::uint64_t idt_guest_self;
    alignas(0x400) std::uint64_t gdt_host[32];
    std::uint64_t gdt_guest[32];
    std::uint64_t boot_gdt[32];
    std::uint8_t boot_tss[PASSAGE_BOOT_TSS_BYTES];
    alignas(0x400) Gate boot_idt[32];
    std::uint64_t boot_idt_self;

    alignas(4096) std::uint8_t stack[PASSAGE_STACK_TOP - 0x2000];
    std::uint64_t rip, cs, rflags, rsp, ss; // as IRETQ wants them
    alignas(4096) std::uint8_t interrupt_stacks[4096];
};

// Indices into PassageData::gpr: the SDM's register encoding.
enum GprIndex { gpr_rax, gpr_rcx, gpr_rdx, gpr_rbx, gpr_rsp, gpr_rbp, gpr_rsi, gpr_rdi, gpr_r8 };

#define COOP_CHECK_WORLD(field, name) static_assert(offsetof(WorldRegisters, field) == WORLD_##name)
COOP_CHECK_WORLD(cr0, CR0);
COOP_CHECK_WORLD(cr3, CR3);
COOP_CHECK_WORLD(cr4, CR4);
COOP_CHECK_WORLD(gs_base, GS_BASE);
COOP_CHECK_WORLD(dr7, DR7);
COOP_CHECK_WORLD(rsp, RSP);
COOP_CHECK_WORLD(gdtr, GDTR);
COOP_CHECK_WORLD(idtr, IDTR);
COOP_CHECK_WORLD(ds, DS);
COOP_CHECK_WORLD(es, ES);
COOP_CHECK_WORLD(fs, FS);
COOP_CHECK_WORLD(gs, GS);
COOP_CHECK_WORLD(tr, TR);
COOP_CHECK_WORLD(ldtr, LDTR);
COOP_CHECK_WORLD(ss, SS);
static_assert(sizeof(WorldRegisters) == WORLD_BYTES);
#undef COOP_CHECK_WORLD

#define COOP_CHECK_DATA(field, name) static_assert(offsetof(PassageData, field) == PASSAGE_##name)
COOP_CHECK_DATA(host, HOST);
COOP_CHECK_DATA(guest, GUEST);
COOP_CHECK_DATA(gpr, GPR);
COOP_CHECK_DATA(vector, VECTOR);
COOP_CHECK_DATA(error, ERROR);
COOP_CHECK_DATA(pending, PENDING);
COOP_CHECK_DATA(loads, LOADS);
COOP_CHECK_DATA(inject_rsp, INJECT_RSP);
COOP_CHECK_DATA(inject_rip, INJECT_RIP);
COOP_CHECK_DATA(intermediate_cr3, INTERMEDIATE_CR3);
COOP_CHECK_DATA(text_host, TEXT_HOST);
COOP_CHECK_DATA(text_guest, TEXT_GUEST);
COOP_CHECK_DATA(host_view, HOST_VIEW);
COOP_CHECK_DATA(guest_view, GUEST_VIEW);
COOP_CHECK_DATA(self_host, SELF_HOST);
COOP_CHECK_DATA(self_guest, SELF_GUEST);
COOP_CHECK_DATA(host_cr4_no_pge, HOST_CR4_NO_PGE);
COOP_CHECK_DATA(idt_host_pointer, IDT_HOST_POINTER);
COOP_CHECK_DATA(idt_guest_pointer, IDT_GUEST_POINTER);
COOP_CHECK_DATA(gdt_host_pointer, GDT_HOST_POINTER);
COOP_CHECK_DATA(gdt_guest_pointer, GDT_GUEST_POINTER);
COOP_CHECK_DATA(boot_tss_descriptor, BOOT_TSS_DESCRIPTOR);
COOP_CHECK_DATA(idt_host, IDT_HOST);
COOP_CHECK_DATA(idt_guest, IDT_GUEST);
COOP_CHECK_DATA(gdt_host, GDT_HOST);
COOP_CHECK_DATA(gdt_guest, GDT_GUEST);
COOP_CHECK_DATA(boot_gdt, BOOT_GDT);
COOP_CHECK_DATA(boot_tss, BOOT_TSS);
COOP_CHECK_DATA(boot_idt, BOOT_IDT);
COOP_CHECK_DATA(rip, RIP);
COOP_CHECK_DATA(cs, CS);
COOP_CHECK_DATA(rflags, RFLAGS);
COOP_CHECK_DATA(rsp, RSP);
COOP_CHECK_DATA(ss, SS);
static_assert(offsetof(PassageData, idt_host_self) == PASSAGE_IDT_HOST + PASSAGE_IDT_SELF);
static_assert(offsetof(PassageData, idt_guest_self) == PASSAGE_IDT_GUEST + PASSAGE_IDT_SELF);
static_assert(offsetof(PassageData, boot_idt_self) == PASSAGE_BOOT_IDT + PASSAGE_IDT_SELF);
static_assert(offsetof(PassageData, rip) == PASSAGE_STACK_TOP);
static_assert(offsetof(PassageData, interrupt_stacks) < COOP_PASSAGE_INTERRUPT_STACK_TOP);
static_assert(sizeof(PassageData) == PASSAGE_DATA_PAGES * 4096);
#undef COOP_CHECK_DATA

extern "C" {
// Code at the guest view's start; PASSAGE_TEXT_BYTES long, page aligned.
extern const std::uint8_t coop_passage_start[];
// Offsets in it where the host view and the guest view begin to be used.
extern const std::uint32_t coop_passage_views[2];
// Take a vector through the host's IDT. Context: critical section, host state fully restored but for the
// resident state.
[[gnu::sysv_abi]] void coop_reraise(std::uint32_t vector);
}

// Switch to the guest and come back. coop_passage_enter keeps no register but %rbp, so that the run loop
// saves its own once and not at each switch. Context: critical section, host world captured in data->host,
// pending clear.
[[gnu::always_inline]] inline void passage_enter(PassageData* data) {
    asm volatile("call coop_passage_enter"
                 : "+D"(data)
                 :
                 : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                   "cc", "memory");
}

} // namespace coop
