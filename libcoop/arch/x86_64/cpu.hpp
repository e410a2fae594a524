// SPDX-License-Identifier: GPL-2.0-only
// Privileged instructions and the register bits the core looks at (SDM volumes 2 and 3A).
#pragma once

#include "arch/x86_64/switched_state.h"

#include <cstdint>

namespace coop::cpu {

inline constexpr std::uint64_t cr4_pse = 1 << 4;
inline constexpr std::uint64_t cr4_pae = 1 << 5;
inline constexpr std::uint64_t cr4_mce = 1 << 6;
inline constexpr std::uint64_t cr4_pge = 1 << 7;
inline constexpr std::uint64_t cr4_la57 = 1 << 12;
inline constexpr std::uint64_t cr4_vmxe = 1 << 13;
inline constexpr std::uint64_t cr4_pcide = 1 << 17;
inline constexpr std::uint64_t cr4_osxsave = 1 << 18;
inline constexpr std::uint64_t cr4_smep = 1 << 20;
inline constexpr std::uint64_t cr4_smap = 1 << 21;
inline constexpr std::uint64_t cr4_cet = 1 << 23;
inline constexpr std::uint64_t cr4_fred = 1ull << 32;
inline constexpr std::uint32_t cpuid1_ecx_vmx = 1 << 5;
inline constexpr std::uint64_t efer_nxe = 1 << 11;
inline constexpr std::uint64_t efer_svme = 1 << 12;
inline constexpr std::uint64_t efer_ffxsr = 1 << 14;
inline constexpr std::uint64_t s_cet_shstk = 1 << 0;
inline constexpr std::uint64_t rflags_fixed = 1 << 1;
inline constexpr std::uint64_t rflags_if = 1 << 9;
inline constexpr std::uint64_t dr7_idle = 0x400;

enum class Msr : std::uint32_t {
#define COOP_ROW(name, number, ...) name = number,
    COOP_RESIDENT_MSRS(COOP_ROW) COOP_PASSAGE_MSRS(COOP_ROW)
#undef COOP_ROW
        s_cet = 0x6a2, // looked at only
};

inline std::uint64_t read_msr(Msr msr) {
    std::uint32_t low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return low | static_cast<std::uint64_t>(high) << 32;
}
inline void write_msr(Msr msr, std::uint64_t value) {
    asm volatile("wrmsr" ::"c"(msr), "a"(static_cast<std::uint32_t>(value)),
                 "d"(static_cast<std::uint32_t>(value >> 32))
                 : "memory");
}

#define COOP_CONTROL_REGISTER(name, reg)                         \
    inline std::uint64_t read_##name() {                         \
        std::uint64_t value;                                     \
        asm volatile("mov %%" #reg ", %0" : "=r"(value));        \
        return value;                                            \
    }                                                            \
    inline void write_##name(std::uint64_t value) {              \
        asm volatile("mov %0, %%" #reg ::"r"(value) : "memory"); \
    }
COOP_CONTROL_REGISTER(cr0, cr0)
COOP_CONTROL_REGISTER(cr2, cr2)
COOP_CONTROL_REGISTER(cr3, cr3)
COOP_CONTROL_REGISTER(cr4, cr4)
COOP_CONTROL_REGISTER(dr0, db0)
COOP_CONTROL_REGISTER(dr1, db1)
COOP_CONTROL_REGISTER(dr2, db2)
COOP_CONTROL_REGISTER(dr3, db3)
COOP_CONTROL_REGISTER(dr6, db6)
COOP_CONTROL_REGISTER(dr7, db7)
#undef COOP_CONTROL_REGISTER

struct CpuidResult {
    std::uint32_t eax, ebx, ecx, edx;
};
inline CpuidResult cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
    CpuidResult r;
    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

// The leaf, or zeroes if this CPU does not have it (SDM 2A, CPUID: leaf 0 of each range tells its last leaf).
inline CpuidResult cpuid_or_zero(std::uint32_t leaf) {
    return cpuid(leaf & 0x80000000).eax >= leaf ? cpuid(leaf) : CpuidResult{};
}

inline std::uint64_t read_xcr0() {
    std::uint32_t low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low | static_cast<std::uint64_t>(high) << 32;
}
inline void write_xcr0(std::uint64_t value) {
    asm volatile("xsetbv" ::"c"(0), "a"(static_cast<std::uint32_t>(value)),
                 "d"(static_cast<std::uint32_t>(value >> 32))
                 : "memory");
}

// The operand of SGDT, SIDT, LGDT, LIDT.
struct [[gnu::packed]] TablePointer {
    std::uint16_t limit;
    std::uint64_t base;
};

} // namespace coop::cpu
