// SPDX-License-Identifier: GPL-2.0-only
// Memory as large as a guest's RAM, zero, of which pages that are never touched cost nothing.
#pragma once

#include <cstddef>
#include <new>

#ifdef _WIN32
#include <windows.h>
#else
#include <sys/mman.h>
#endif

namespace coop::test {

class LazyMemory {
public:
    explicit LazyMemory(std::size_t bytes) : bytes_{bytes} {
#ifdef _WIN32
        data_ = VirtualAlloc(nullptr, bytes_, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
#else
        data_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                       -1, 0);
        data_ = data_ == MAP_FAILED ? nullptr : data_;
#endif
        if (data_ == nullptr) {
            throw std::bad_alloc{};
        }
    }
    ~LazyMemory() {
#ifdef _WIN32
        VirtualFree(data_, 0, MEM_RELEASE);
#else
        ::munmap(data_, bytes_);
#endif
    }
    LazyMemory(LazyMemory const&) = delete;
    LazyMemory& operator=(LazyMemory const&) = delete;

    std::byte* data() const {
        return static_cast<std::byte*>(data_);
    }

private:
    std::size_t bytes_;
    void* data_ = nullptr;
};

} // namespace coop::test
