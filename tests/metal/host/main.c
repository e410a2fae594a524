// SPDX-License-Identifier: GPL-2.0-only
/* The order in which the host comes up; then the core is loaded, the cases run, and the emulator ends. */
#include "metal.h"

_Noreturn void metal_main(void);

void metal_cpu_features(void) {
    uint32_t eax = 1, ebx, ecx = 0, edx;
    uint64_t cr4;
    const uint64_t mce = 1 << 6, pge = 1 << 7, osfxsr = 1 << 9, osxmmexcpt = 1 << 10, osxsave = 1 << 18;
    const uint32_t has_xsave = 1 << 26;

    asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    cr4 |= mce | pge | osfxsr | osxmmexcpt | (ecx & has_xsave ? osxsave : 0);
    asm volatile("mov %0, %%cr4" ::"r"(cr4) : "memory");
    if (ecx & has_xsave) { /* everything that the CPU has */
        uint32_t low = 0xd, high, sub = 0;

        asm volatile("cpuid" : "+a"(low), "=b"(ebx), "+c"(sub), "=d"(high));
        asm volatile("xsetbv" ::"a"(low), "d"(high), "c"(0));
    }
}

void metal_main(void) {
    metal_loader_init();
    metal_frames_init(metal_ram_end());
    metal_descriptors_init();
    metal_descriptors_load(0);
    metal_apic_init();
    metal_clock_init();
    metal_cpu_features();
    asm volatile("sti");
    if (metal_option("cpus", METAL_MAX_CPUS) > 1 && !metal_smp_start())
        metal_panic("the second CPU does not start");

    uint64_t frames = metal_frames_taken();
    struct coop_core_config config = {.tsc_khz = metal_tsc_khz(),
                                      .features = COOP_HOST_TSC_STABLE | COOP_HOST_NMI_KICK,
                                      .cpus = METAL_MAX_CPUS,
                                      .stuck_limit_ns = 1000000000};
    if (coop_core_load(&config))
        metal_panic("coop_core_load");
    int failed = metal_run_cases();
    coop_core_unload();
    if (metal_frames_taken() != frames)
        metal_panic("frames not given back at unload");
    metal_exit(failed == 0);
}
