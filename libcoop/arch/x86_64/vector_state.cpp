// SPDX-License-Identifier: GPL-2.0-only
#include "arch/x86_64/vector_state.hpp"

#include "arch/x86_64/cpu.hpp"

namespace coop {

namespace {

constexpr std::size_t fxsave_bytes = 512;
constexpr std::size_t mxcsr_offset = 24;
constexpr std::size_t xstate_bv_offset = 512;
constexpr std::uint32_t mxcsr_initial = 0x1f80;
constexpr std::size_t fcw_offset = 0;
constexpr std::uint16_t fcw_initial = 0x37f;

bool has_xsave() {
    return cpu::read_cr4() & cpu::cr4_osxsave;
}

// With EFER.FFXSR ring 0's FXSAVE and FXRSTOR leave the XMM registers out (APM 2, 11.4.4); XSAVE does not.
class WholeFxsave {
public:
    WholeFxsave() : efer_{cpu::read_msr(cpu::Msr::efer)} {
        if (efer_ & cpu::efer_ffxsr)
            cpu::write_msr(cpu::Msr::efer, efer_ & ~cpu::efer_ffxsr);
    }
    WholeFxsave(const WholeFxsave&) = delete;
    WholeFxsave& operator=(const WholeFxsave&) = delete;
    ~WholeFxsave() {
        if (efer_ & cpu::efer_ffxsr)
            cpu::write_msr(cpu::Msr::efer, efer_);
    }

private:
    std::uint64_t efer_;
};

// AMD before Zen 2 neither saves nor loads the x87's last instruction and operand while no x87 exception is
// pending (APM 5, FXRSTOR; CPUID 8000_0008H.EBX[2] tells of the change): another world's would stay in sight.
bool keeps_x87_pointers() {
    constexpr std::uint32_t authentic_amd = 0x68747541, hygon_genuine = 0x6f677948; // EBX of leaf 0
    const std::uint32_t vendor = cpu::cpuid(0).ebx;
    return (vendor == authentic_amd || vendor == hygon_genuine) &&
           !(cpu::cpuid_or_zero(0x80000008).ebx & 1u << 2);
}

void forget_x87_pointers() {
    const std::uint32_t anything = 0;
    asm volatile("fnclex\n\temms\n\tfildl %0" ::"m"(anything));
}

} // namespace

Result<VectorState> VectorState::create(FrameLedger& ledger) {
    // CPUID.0DH.0:ECX: bytes for all components this CPU knows, in the standard format.
    const std::size_t bytes = has_xsave() ? cpu::cpuid(0xd).ecx : fxsave_bytes;
    PageBlock area = COOP_TRY(PageBlock::allocate(ledger, align_up(bytes, page_bytes) / page_bytes));
    auto* image = static_cast<std::uint8_t*>(area.va());
    *reinterpret_cast<std::uint32_t*>(image + mxcsr_offset) = mxcsr_initial;
    *reinterpret_cast<std::uint16_t*>(image + fcw_offset) = fcw_initial;
    return VectorState{std::move(area), keeps_x87_pointers()};
}

void VectorState::save() {
    if (!has_xsave()) {
        const WholeFxsave whole;
        asm volatile("fxsave64 (%0)" ::"r"(area_.va()) : "memory");
        return;
    }
    // XSAVE keeps the header's bits of components that XCR0 does not enable now; XRSTOR would fault on them.
    auto* header =
        reinterpret_cast<std::uint64_t*>(static_cast<std::uint8_t*>(area_.va()) + xstate_bv_offset);
    *header = 0;
    asm volatile("xsave64 (%0)" ::"r"(area_.va()), "a"(-1), "d"(-1) : "memory");
}

void VectorState::load() const {
    if (pointers_stay_)
        forget_x87_pointers();
    if (has_xsave()) {
        asm volatile("xrstor64 (%0)" ::"r"(area_.va()), "a"(-1), "d"(-1) : "memory");
        return;
    }
    const WholeFxsave whole;
    asm volatile("fxrstor64 (%0)" ::"r"(area_.va()) : "memory");
}

} // namespace coop
