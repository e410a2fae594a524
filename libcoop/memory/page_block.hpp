// SPDX-License-Identifier: GPL-2.0-only
// PageBlock: contiguous zeroed pages of the host's, for passages, page tables and register save areas.
#pragma once

#include "base/address.hpp"
#include "base/result.hpp"
#include "memory/frame_ledger.hpp"

#include <cstddef>
#include <utility>

namespace coop {

class PageBlock {
public:
    PageBlock() = default;
    // Context: may sleep. Fails: COOP_E_NO_MEMORY. The ledger must outlive the block.
    static Result<PageBlock> allocate(FrameLedger& ledger, std::size_t pages) {
        void* va = coop_host_pages_alloc(pages);
        if (!va)
            return Error{COOP_E_NO_MEMORY};
        ledger.take(pages);
        return PageBlock{&ledger, va, pages};
    }
    PageBlock(PageBlock&& other) noexcept
        : ledger_{other.ledger_}, va_{std::exchange(other.va_, nullptr)}, pages_{other.pages_} {}
    PageBlock& operator=(PageBlock&& other) noexcept {
        std::swap(ledger_, other.ledger_);
        std::swap(va_, other.va_);
        std::swap(pages_, other.pages_);
        return *this;
    }
    ~PageBlock() {
        // clang-tidy thinks that COOP_TRY's return destroys the block that it would have made.
        // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Branch)
        if (!va_)
            return;
        coop_host_pages_free(va_, pages_);
        ledger_->give_back(pages_);
    }

    void* va() const { return va_; }
    std::size_t pages() const { return pages_; }
    Physical physical() const { return Physical{coop_host_phys(va_)}; }

private:
    PageBlock(FrameLedger* ledger, void* va, std::size_t pages) : ledger_{ledger}, va_{va}, pages_{pages} {}

    FrameLedger* ledger_ = nullptr;
    void* va_ = nullptr;
    std::size_t pages_ = 0;
};

} // namespace coop
