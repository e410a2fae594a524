// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU features that a cooperative guest must not use: each would make Linux touch a device, an MSR or a control bit that is the host's.
 *
 * CPUID cannot be intercepted, so the bits are cleared here. User space still sees them in CPUID; what matters there (AVX-512,
 * AMX …) is governed by XCR0, which follows these bits.
 */
#include <linux/kernel.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>

#include "coop.h"

static const u16 cleared[] __initconst = {
	/* Interrupt controllers, timers and their MSRs. */
	X86_FEATURE_APIC, X86_FEATURE_X2APIC, X86_FEATURE_EXTAPIC, X86_FEATURE_TSC_DEADLINE_TIMER, X86_FEATURE_TSC_ADJUST,
	/* Memory types, machine checks, power, thermal, performance counters, branch traces. */
	X86_FEATURE_MTRR, X86_FEATURE_PAT, X86_FEATURE_MCE, X86_FEATURE_MCA, X86_FEATURE_ACPI, X86_FEATURE_ACC,
	X86_FEATURE_EST, X86_FEATURE_TM2, X86_FEATURE_HWP, X86_FEATURE_EPB, X86_FEATURE_HFI, X86_FEATURE_APERFMPERF,
	X86_FEATURE_ARCH_PERFMON, X86_FEATURE_PERFCTR_CORE, X86_FEATURE_PERFMON_V2, X86_FEATURE_PDCM, X86_FEATURE_DS,
	X86_FEATURE_BTS, X86_FEATURE_PEBS, X86_FEATURE_ARCH_LBR, X86_FEATURE_INTEL_PT, X86_FEATURE_IBS,
	/* Sleep states: the guest sleeps by doorbell only. */
	X86_FEATURE_MWAIT, X86_FEATURE_MWAITX, X86_FEATURE_WAITPKG,
	/* Virtualization, enclaves, and what a hypervisor below the host offers to the host. */
	X86_FEATURE_VMX, X86_FEATURE_SVM, X86_FEATURE_SGX, X86_FEATURE_SGX_LC, X86_FEATURE_HYPERVISOR,
	/* Modes of the host's that the guest cannot have its own version of. */
	X86_FEATURE_PCID, X86_FEATURE_INVPCID, X86_FEATURE_FRED, X86_FEATURE_LKGS, X86_FEATURE_IBT, X86_FEATURE_SHSTK,
	X86_FEATURE_USER_SHSTK, X86_FEATURE_LAM, X86_FEATURE_ENQCMD, X86_FEATURE_BUS_LOCK_DETECT,
	X86_FEATURE_SPLIT_LOCK_DETECT, X86_FEATURE_CQM, X86_FEATURE_CQM_LLC, X86_FEATURE_RDT_A,
	/* SSBD by VIRT_SPEC_CTRL, which a hypervisor below the host offers to the host. */
	X86_FEATURE_VIRT_SSBD,
	/* Extended state beyond XCR0: XSS and XFD stay the host's. */
	X86_FEATURE_XSAVES, X86_FEATURE_XFD, X86_FEATURE_AMX_TILE, X86_FEATURE_AMX_INT8, X86_FEATURE_AMX_BF16,
};

void __init coop_clear_features(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cleared); i++)
		setup_clear_cpu_cap(cleared[i]);
	/* Linux would offer SSBD for VIRT_SSBD alone: not without SPEC_CTRL's bit (Intel's feature, AMD's feature). */
	if (!(cpuid_edx(7) & BIT(31)) && !(cpuid_ebx(0x80000008) & BIT(24)))
		setup_clear_cpu_cap(X86_FEATURE_SSBD);
}
