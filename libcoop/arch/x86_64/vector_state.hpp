// SPDX-License-Identifier: GPL-2.0-only
// VectorState: a save area for x87, SSE, AVX and everything else that XCR0 enables, PKRU included (SDM 1,
// chapter 13).
#pragma once

#include "memory/page_block.hpp"

namespace coop {

class VectorState {
public:
    // Starts as the registers' initial state. Context: may sleep. Fails: NO_MEMORY.
    static Result<VectorState> create(FrameLedger& ledger);

    // Context: critical section. With XSAVE all components of the current XCR0, else FXSAVE.
    void save();
    void load() const;

private:
    VectorState(PageBlock area, bool pointers_stay) : area_{std::move(area)}, pointers_stay_{pointers_stay} {}

    PageBlock area_;
    bool pointers_stay_; // loading leaves the x87's last instruction and operand alone
};

} // namespace coop
