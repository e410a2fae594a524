// SPDX-License-Identifier: GPL-2.0-only
// ResidentState: the registers that host code between two entries does not need, so they stay the guest's
// across fast doorbells and are exchanged only when other host code is about to run. The MSRs are one table
// (resident_state.cpp).
#pragma once

#include "arch/x86_64/switched_state.h"
#include "arch/x86_64/vector_state.hpp"

#include <array>
#include <cstdint>

namespace coop {

class ResidentState {
public:
#define COOP_ROW(...) +1
    static constexpr std::size_t max_msrs = 0 COOP_RESIDENT_MSRS(COOP_ROW);
#undef COOP_ROW

    // Once, before the first create: find out which registers this machine has.
    static void probe();

    // Context: may sleep. Fails: NO_MEMORY.
    static Result<ResidentState> create(FrameLedger& ledger);

    // Host's out, guest's in; and back. Strictly alternating. Context: critical section, one CPU.
    void load_guest();
    void load_host();

    std::uint64_t guest_cr2() const {
        return guest_.cr2;
    }

private:
    struct Registers {
        std::array<std::uint64_t, max_msrs> msrs;
        std::uint64_t cr2, dr0, dr1, dr2, dr3, dr6, dr7, xcr0;
    };

    ResidentState(VectorState host, VectorState guest)
        : host_vectors_{std::move(host)}, guest_vectors_{std::move(guest)} {}

    VectorState host_vectors_;
    VectorState guest_vectors_;
    Registers host_{};
    Registers guest_{};
    bool guest_initialised_ = false;
};

} // namespace coop
