// SPDX-License-Identifier: GPL-2.0-only
// FakeHost: heap, pages and RAM.
#include "base/address.hpp"
#include "core/fake_host_parts.hpp"

#include <cstdlib>
#include <cstring>

namespace coop::test {

namespace {

// As much as there is to have at once; the sanitizers' own refusal would be the end of the test.
constexpr std::size_t most_bytes = std::size_t{1} << 30;

} // namespace

void* FakeHost::alloc(std::size_t bytes) {
    may_sleep("alloc");
    Lock lock{lock_};
    void* memory = nullptr;
    if (refuse("alloc") || bytes > most_bytes || posix_memalign(&memory, 64, heap_offset + bytes) != 0)
        return nullptr;
    std::memset(memory, 0, heap_offset + bytes);
    void* block = static_cast<char*>(memory) + heap_offset;
    heap_[block] = bytes;
    return block;
}

void FakeHost::free(void* p) {
    may_sleep("free");
    Lock lock{lock_};
    if (!p)
        return;
    if (heap_.erase(p) == 0)
        return violation("free of something that is not there");
    std::free(static_cast<char*>(p) - heap_offset);
}

void* FakeHost::pages_alloc(std::size_t pages) {
    may_sleep("pages_alloc");
    Lock lock{lock_};
    void* memory = nullptr;
    if (refuse("pages_alloc") || pages > most_bytes / page_bytes ||
        posix_memalign(&memory, page_bytes, pages * page_bytes) != 0)
        return nullptr;
    std::memset(memory, 0, pages * page_bytes);
    pages_[static_cast<char*>(memory)] = {pages, next_page_};
    next_page_ += (pages + 5) * page_bytes; // never two blocks side by side
    return memory;
}

void FakeHost::pages_free(void* va, std::size_t pages) {
    may_sleep("pages_free");
    Lock lock{lock_};
    const auto block = pages_.find(static_cast<char*>(va));
    if (block == pages_.end() || block->second.count != pages)
        return violation("pages_free of something that is not there");
    pages_.erase(block);
    std::free(va);
}

int FakeHost::ram_alloc(std::uint64_t bytes, std::uint64_t* physical) {
    may_sleep("ram_alloc");
    Lock lock{lock_};
    note("ram_alloc", bytes);
    if (bytes == 0 || !is_aligned(bytes, large_page_bytes))
        violation("ram_alloc of a size that is not a multiple of 2 MiB");
    if (refuse("ram_alloc") || !ram.take(bytes, *physical))
        return -COOP_E_NO_MEMORY;
    return 0;
}

void FakeHost::ram_free(std::uint64_t physical, std::uint64_t bytes) {
    may_sleep("ram_free");
    Lock lock{lock_};
    if (!ram.give_back(physical, bytes))
        violation("ram_free of something that is not there");
}

std::uint64_t FakeHost::ram_available() {
    may_sleep("ram_available");
    Lock lock{lock_};
    return ram.available();
}

void* FakeHost::ram_va(std::uint64_t physical) {
    Lock lock{lock_};
    void* va = ram.va(physical);
    if (!va)
        violation("ram_va outside every run");
    return va;
}

std::uint64_t FakeHost::phys(const void* va) {
    Lock lock{lock_};
    const char* address = static_cast<const char*>(va);
    const auto next = pages_.upper_bound(address);
    if (next != pages_.begin()) {
        const auto& [start, block] = *std::prev(next);
        const std::size_t offset = address - start;
        if (offset < block.count * page_bytes)
            return block.physical + offset;
    }
    violation("phys of an address that is not the core's");
    return 0;
}

void* FakeHost::page_va(std::uint64_t physical) const {
    Lock lock{lock_};
    for (const auto& [va, block] : pages_)
        if (physical >= block.physical && physical - block.physical < block.count * page_bytes)
            return const_cast<char*>(va) + (physical - block.physical);
    return nullptr;
}

} // namespace coop::test
