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

} // namespace

Result<VectorState> VectorState::create(FrameLedger& ledger) {
    // CPUID.0DH.0:ECX: bytes for all components this CPU knows, in the standard format.
    const std::size_t bytes = has_xsave() ? cpu::cpuid(0xd).ecx : fxsave_bytes;
    PageBlock area = COOP_TRY(PageBlock::allocate(ledger, align_up(bytes, page_bytes) / page_bytes));
    auto* image = static_cast<std::uint8_t*>(area.va());
    *reinterpret_cast<std::uint32_t*>(image + mxcsr_offset) = mxcsr_initial;
    *reinterpret_cast<std::uint16_t*>(image + fcw_offset) = fcw_initial;
    return VectorState{std::move(area)};
}

void VectorState::save() {
    if (!has_xsave()) {
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
    if (has_xsave())
        asm volatile("xrstor64 (%0)" ::"r"(area_.va()), "a"(-1), "d"(-1) : "memory");
    else
        asm volatile("fxrstor64 (%0)" ::"r"(area_.va()) : "memory");
}

} // namespace coop
