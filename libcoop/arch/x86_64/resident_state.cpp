// SPDX-License-Identifier: GPL-2.0-only
#include "arch/x86_64/resident_state.hpp"

#include "arch/x86_64/cpu.hpp"

namespace coop {

namespace {

using cpu::Msr;

// MSRs exchanged between the worlds, in order.
struct ResidentMsr {
    Msr msr;
    int (*present)();
    bool starts_as_host; // else 0
};
constexpr ResidentMsr known_msrs[] = {
#define COOP_ROW(name, number, present, starts_as_host, free_bits) \
    {Msr::name, coop_##present, starts_as_host},
    COOP_RESIDENT_MSRS(COOP_ROW)
#undef COOP_ROW
};

// The table less what this machine does not have. All its CPUs are the same.
constinit ResidentMsr resident_msrs[ResidentState::max_msrs] = {};
constinit std::size_t msr_count = 0;

void save_msrs(auto& to) {
    for (std::size_t i = 0; i < msr_count; ++i)
        to.msrs[i] = cpu::read_msr(resident_msrs[i].msr);
}
// Reading an MSR is cheap, writing one is not.
void load_msrs(const auto& from, const auto& in_force) {
    for (std::size_t i = 0; i < msr_count; ++i) {
        if (from.msrs[i] != in_force.msrs[i])
            cpu::write_msr(resident_msrs[i].msr, from.msrs[i]);
    }
}

void save_debug(auto& to) {
    to.dr0 = cpu::read_dr0();
    to.dr1 = cpu::read_dr1();
    to.dr2 = cpu::read_dr2();
    to.dr3 = cpu::read_dr3();
    to.dr6 = cpu::read_dr6();
}
void load_debug(const auto& from) {
    cpu::write_dr0(from.dr0);
    cpu::write_dr1(from.dr1);
    cpu::write_dr2(from.dr2);
    cpu::write_dr3(from.dr3);
    cpu::write_dr6(from.dr6);
}

} // namespace

void ResidentState::probe() {
    msr_count = 0;
    for (const ResidentMsr& known : known_msrs) {
        if (known.present())
            resident_msrs[msr_count++] = known;
    }
}

Result<ResidentState> ResidentState::create(FrameLedger& ledger) {
    VectorState host = COOP_TRY(VectorState::create(ledger));
    VectorState guest = COOP_TRY(VectorState::create(ledger));
    return ResidentState{std::move(host), std::move(guest)};
}

void ResidentState::load_guest() {
    const bool xsave = cpu::read_cr4() & cpu::cr4_osxsave;

    // The passage switches the guest's DR7; the host's breakpoints must not fire in the guest.
    host_.dr7 = cpu::read_dr7();
    if (host_.dr7 != cpu::dr7_idle)
        cpu::write_dr7(cpu::dr7_idle);
    save_debug(host_);
    host_.cr2 = cpu::read_cr2();
    host_.xcr0 = xsave ? cpu::read_xcr0() : 0;
    host_vectors_.save();
    save_msrs(host_);

    if (!guest_initialised_) {
        guest_initialised_ = true;
        guest_.xcr0 = host_.xcr0;
        guest_.dr6 = host_.dr6;
        for (std::size_t i = 0; i < msr_count; ++i)
            guest_.msrs[i] = resident_msrs[i].starts_as_host ? host_.msrs[i] : 0;
    }

    load_msrs(guest_, host_);
    if (guest_.xcr0 != host_.xcr0)
        cpu::write_xcr0(guest_.xcr0);
    guest_vectors_.load();
    load_debug(guest_);
    cpu::write_cr2(guest_.cr2);
}

void ResidentState::load_host() {
    guest_.cr2 = cpu::read_cr2();
    save_debug(guest_);
    guest_.xcr0 = host_.xcr0 ? cpu::read_xcr0() : 0;
    guest_vectors_.save();
    save_msrs(guest_);

    load_msrs(host_, guest_);
    if (guest_.xcr0 != host_.xcr0)
        cpu::write_xcr0(host_.xcr0);
    host_vectors_.load();
    load_debug(host_);
    if (host_.dr7 != cpu::dr7_idle)
        cpu::write_dr7(host_.dr7);
    cpu::write_cr2(host_.cr2);
}

} // namespace coop
