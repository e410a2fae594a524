// SPDX-License-Identifier: GPL-2.0-only
/* What the core cannot know of the host by itself. */
#include "shim.h"

/* Of ZwQuerySystemInformation. */
enum { SYSTEM_CODE_INTEGRITY_INFORMATION = 103, SYSTEM_ISOLATED_USER_MODE_INFORMATION = 165 };
struct code_integrity_information {
    ULONG bytes, options;
};
#define CODE_INTEGRITY_BY_HYPERVISOR 0x400
struct isolated_user_mode_information {
    UCHAR flags, more_flags, spare[6];
    ULONGLONG spare_too;
};
#define SECURE_KERNEL_RUNNING 0x1

/*
 * Virtualization-based security: its hypervisor lets ring 0 execute only what it has approved, which a
 * guest's kernel is not, and watches the registers that a switch changes.
 */
static bool has_secure_kernel(void) {
    struct code_integrity_information integrity = {sizeof(integrity), 0};
    struct isolated_user_mode_information isolated = {0};

    if (NT_SUCCESS(ZwQuerySystemInformation(SYSTEM_CODE_INTEGRITY_INFORMATION, &integrity, sizeof(integrity),
                                            NULL)) &&
        (integrity.options & CODE_INTEGRITY_BY_HYPERVISOR)) {
        return true;
    }
    return NT_SUCCESS(ZwQuerySystemInformation(SYSTEM_ISOLATED_USER_MODE_INFORMATION, &isolated,
                                               sizeof(isolated), NULL)) &&
           (isolated.flags & SECURE_KERNEL_RUNNING);
}

enum { EAX, EBX, ECX, EDX };

static bool cpuid(unsigned int leaf, int registers[4]) {
    __cpuidex(registers, leaf & 0x80000000, 0);
    if ((unsigned int)registers[EAX] < leaf) {
        return false;
    }
    __cpuidex(registers, leaf, 0);
    return true;
}

#define INVARIANT_TSC (1 << 8)          /* CPUID 80000007, EDX */
#define HAS_ARCH_CAPABILITIES (1 << 29) /* CPUID 7, EDX */
#define MSR_ARCH_CAPABILITIES 0x10a
#define RDCL_NO 1

static bool tsc_is_invariant(void) {
    int registers[4];

    return cpuid(0x80000007, registers) && (registers[EDX] & INVARIANT_TSC);
}

/* By vendor, and by what newer CPUs say of themselves; some old ones without speculation are called worse
 * than they are. */
static bool suffers_from_meltdown(void) {
    int registers[4];

    cpuid(0, registers);
    if (registers[EBX] == 'htuA' || registers[EBX] == 'ogyH') { /* Auth enti cAMD, Hygo nGen uine */
        return false;
    }
    return !(cpuid(7, registers) && (registers[EDX] & HAS_ARCH_CAPABILITIES) &&
             (__readmsr(MSR_ARCH_CAPABILITIES) & RDCL_NO));
}

#define CAN_BE_SEV (1 << 1) /* CPUID 8000001f, EAX */
#define MSR_SEV_STATUS 0xc0010131
#define SEV_ON 1

/* This system is a confidential guest: Intel TDX, AMD SEV (APM volume 2, 15.34). */
static bool is_encrypted(void) {
    int registers[4];

    if (cpuid(0x21, registers) && registers[EBX] == 'etnI' && registers[EDX] == 'XDTl') { /* Inte lTDX */
        return true;
    }
    return cpuid(0x8000001f, registers) && (registers[EAX] & CAN_BE_SEV) &&
           (__readmsr(MSR_SEV_STATUS) & SEV_ON);
}

NTSTATUS coop_host_describe(struct coop_core_config* config) {
    config->cpus = coop_processor_count();
    config->tsc_khz = coop_clock_tsc_khz();
    if (!config->tsc_khz) {
        coop_log("the clock or the TSC does not go: no rate for guests");
        return STATUS_NOT_SUPPORTED;
    }
    if (tsc_is_invariant()) {
        config->features |= COOP_HOST_TSC_STABLE;
    }
    if (coop_nmi_possible()) {
        config->features |= COOP_HOST_NMI_KICK;
    }
    if (suffers_from_meltdown()) {
        config->features |= COOP_HOST_MELTDOWN;
    }
    if (has_secure_kernel()) {
        config->features |= COOP_HOST_VBS;
    }
    if (is_encrypted()) {
        config->features |= COOP_HOST_ENCRYPTED;
    }
    return STATUS_SUCCESS;
}
