// SPDX-License-Identifier: GPL-2.0-only
/* A host that turns VMX on while a guest lives (SDM 3C 24.7, 24.8), as kvm_intel does. No VMX, nothing to
 * see: of the machines here, only Bochs has it. */
#include "case.h"
#include "control_registers.h"
#include "msr.h"

#include <cpuid.h>

enum {
    CPUID1_ECX_VMX = 1 << 5,
    CR4_VMXE = 1 << 13,
    FEATURE_CONTROL = 0x3a,
    FEATURE_CONTROL_LOCKED = 1 << 0,
    FEATURE_CONTROL_VMXON = 1 << 2,
    VMX_BASIC = 0x480,
    VMX_CR0_FIXED0 = 0x486,
};

static bool has_vmx(void) {
    uint32_t eax, ebx, ecx, edx;

    __cpuid(1, eax, ebx, ecx, edx);
    return ecx & CPUID1_ECX_VMX;
}

static void add_to_cr0(uint64_t bits) {
    uint64_t cr0;

    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("mov %0, %%cr0" ::"r"(cr0 | bits) : "memory");
}

static void set_vmxe(bool on) {
    const uint64_t cr4 = read_cr4();

    write_cr4(on ? cr4 | CR4_VMXE : cr4 & ~(uint64_t)CR4_VMXE);
}

/* Returns whether the CPU agreed. */
static bool vmx_on(uint64_t region) {
    bool refused;

    if (!(read_msr(FEATURE_CONTROL) & FEATURE_CONTROL_LOCKED))
        write_msr(FEATURE_CONTROL, FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMXON);
    set_vmxe(true);
    __asm__ volatile("vmxon %1" : "=@ccbe"(refused) : "m"(region) : "memory");
    return !refused;
}

static void vmx_off(void) {
    __asm__ volatile("vmxoff" ::: "cc", "memory");
    set_vmxe(false);
}

void case_host_vmx(void) {
    const uint64_t count = 1000;
    struct metal_guest guest;
    uint32_t* region;

    if (!has_vmx()) {
        metal_skip("no VMX");
        return;
    }
    add_to_cr0(read_msr(VMX_CR0_FIXED0)); /* a kernel has these anyway */
    guest = GUEST(same_cr4);
    guest.parameters[PARAM_COUNT / 8] = count;
    metal_guest_start(&guest);

    region = coop_host_pages_alloc(1);
    region[0] = (uint32_t)read_msr(VMX_BASIC) & 0x7fffffff;
    CHECK(vmx_on(coop_host_phys(region)));
    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_POWEROFF);
    CHECK(metal_guest_stats(&guest).doorbells[COOP_DOORBELL_YIELD] == count);
    vmx_off();
    coop_host_pages_free(region, 1);
    metal_guest_end(&guest);
}
