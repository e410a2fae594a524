// SPDX-License-Identifier: GPL-2.0-only
// A BlockFile in memory, for tests: keeps a history, fails when told to, can hold its callers, and knows what
// a power cut would leave.
#pragma once

#include "devices/block_file.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <vector>

namespace coop::test {

class MemoryFile : public BlockFile {
public:
    explicit MemoryFile(std::uint64_t bytes, bool read_only = false)
        : contents(bytes), stable(bytes), read_only_{read_only} {}

    std::vector<std::byte> contents;
    std::vector<std::byte> stable;   // as of the last flush
    std::optional<unsigned> fail_at; // the operation, counted from 0, that fails
    unsigned operations = 0;
    unsigned flushes = 0;
    unsigned most_at_once = 0;

    // While held, callers wait.
    void hold() {
        std::lock_guard const lock{mutex_};
        held_ = true;
    }
    void release() {
        std::lock_guard const lock{mutex_};
        held_ = false;
        changed_.notify_all();
    }
    // Returns once so many callers are held.
    void wait_for_callers(unsigned count) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return inside_ >= count; });
    }

    std::uint64_t size() const override { return contents.size(); }
    bool read_only() const override { return read_only_; }
    bool can_discard() const override { return !read_only_; }

    std::error_code read(std::uint64_t offset, std::span<std::span<std::byte> const> buffers) override {
        return operation([&] {
            for (auto const buffer : buffers) {
                std::copy_n(contents.data() + check(offset, buffer.size()), buffer.size(), buffer.data());
                offset += buffer.size();
            }
        });
    }
    std::error_code write(std::uint64_t offset,
                          std::span<std::span<std::byte const> const> buffers) override {
        return operation([&] {
            for (auto const buffer : buffers) {
                std::copy_n(buffer.data(), buffer.size(), contents.data() + check(offset, buffer.size()));
                offset += buffer.size();
            }
        });
    }
    std::error_code flush() override {
        return operation([&] {
            stable = contents;
            ++flushes;
        });
    }
    std::error_code discard(std::uint64_t offset, std::uint64_t bytes) override {
        return operation([&] { std::memset(contents.data() + check(offset, bytes), 0xdd, bytes); });
    }
    std::error_code write_zeroes(std::uint64_t offset, std::uint64_t bytes, bool) override {
        return operation([&] { std::memset(contents.data() + check(offset, bytes), 0, bytes); });
    }

private:
    std::uint64_t check(std::uint64_t offset, std::uint64_t bytes) const {
        if (offset > contents.size() || bytes > contents.size() - offset) {
            std::abort(); // the device must have refused it
        }
        return offset;
    }

    template <typename Function>
    std::error_code operation(Function function) {
        std::unique_lock lock{mutex_};
        ++inside_;
        most_at_once = std::max(most_at_once, inside_);
        changed_.notify_all();
        changed_.wait(lock, [this] { return !held_; });
        --inside_;
        if (fail_at == operations++) {
            return std::make_error_code(std::errc::io_error);
        }
        function();
        return {};
    }

    bool const read_only_;
    std::mutex mutex_;
    std::condition_variable changed_;
    unsigned inside_ = 0;
    bool held_ = false;
};

} // namespace coop::test
