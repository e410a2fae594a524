// SPDX-License-Identifier: GPL-2.0-only
// The driver's side of a split virtqueue (virtio 1.2, section 2.7), for tests: lays the rings out in guest
// RAM, offers chains, takes used ones. Written for clarity; it can also do what no driver may.
#pragma once

#include "devices/virtqueue.hpp"
#include "test_ram.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace coop::test {

struct Buffer {
    std::uint64_t gpa;
    std::uint32_t bytes;
    bool writable;
};

constexpr std::uint16_t desc_next = 1;
constexpr std::uint16_t desc_write = 2;
constexpr std::uint16_t desc_indirect = 4;

class TestDriver {
public:
    // The rings begin at gpa and take less than bytes_for(size).
    TestDriver(TestRam& ram, std::uint64_t gpa, std::uint16_t size)
        : ram_{ram},
          size_{size},
          desc_{gpa},
          avail_{gpa + 16ull * size},
          used_{(avail_ + 6 + 2ull * size + 3) & ~3ull} {
        for (std::uint16_t i = 0; i < size; ++i) {
            free_.push_back(i);
        }
    }
    static std::uint64_t bytes_for(std::uint16_t size) { return 26ull * size + 32; }

    VirtqueueLayout layout() const { return {size_, desc_, avail_, used_}; }

    // --- As a driver does ---

    bool can_offer(std::size_t buffers) const { return free_.size() >= buffers; }

    // Returns the head. Visible to the device after publish().
    std::uint16_t offer(std::vector<Buffer> const& buffers) {
        std::vector<std::uint16_t> indices;
        for (std::size_t i = 0; i < buffers.size(); ++i) {
            indices.push_back(free_.back());
            free_.pop_back();
        }
        for (std::size_t i = 0; i < buffers.size(); ++i) {
            bool const last = i + 1 == buffers.size();
            write_descriptor(desc_, indices[i], buffers[i],
                             last ? std::nullopt : std::optional{indices[i + 1]});
        }
        chains_[indices[0]] = indices;
        offer_head(indices[0]);
        return indices[0];
    }

    // The same through an indirect table at table_gpa.
    std::uint16_t offer_indirect(std::uint64_t table_gpa, std::vector<Buffer> const& buffers) {
        for (std::uint16_t i = 0; i < buffers.size(); ++i) {
            bool const last = i + 1u == buffers.size();
            write_descriptor(table_gpa, i, buffers[i],
                             last ? std::nullopt : std::optional<std::uint16_t>(i + 1));
        }
        std::uint16_t const head = free_.back();
        free_.pop_back();
        write_raw(head, table_gpa, static_cast<std::uint32_t>(16 * buffers.size()), desc_indirect, 0);
        chains_[head] = {head};
        offer_head(head);
        return head;
    }

    void publish() { atomic16(avail_ + 2).store(next_avail_, std::memory_order_release); }

    struct Used {
        std::uint32_t head;
        std::uint32_t written;
    };
    std::optional<Used> take_used() {
        if (atomic16(used_ + 2).load(std::memory_order_acquire) == next_used_) {
            return std::nullopt;
        }
        std::uint64_t const element = used_ + 4 + 8ull * (next_used_ % size_);
        Used const used{ram_.get<std::uint32_t>(element), ram_.get<std::uint32_t>(element + 4)};
        ++next_used_;
        if (auto chain = chains_.find(static_cast<std::uint16_t>(used.head)); chain != chains_.end()) {
            free_.insert(free_.begin(), chain->second.begin(), chain->second.end());
            chains_.erase(chain);
        }
        return used;
    }

    void set_no_interrupt(bool value) { atomic16(avail_).store(value ? 1 : 0); }
    void set_used_event(std::uint16_t value) { atomic16(avail_ + 4 + 2ull * size_).store(value); }
    bool no_notify() { return atomic16(used_).load() != 0; }
    std::uint16_t avail_event() { return atomic16(used_ + 4 + 8ull * size_).load(); }
    std::uint16_t next_avail() const { return next_avail_; }
    std::uint16_t next_used() const { return next_used_; }

    // --- As none may ---

    void write_raw(std::uint16_t index, std::uint64_t gpa, std::uint32_t bytes, std::uint16_t flags,
                   std::uint16_t next) {
        write_raw_at(desc_ + 16ull * index, gpa, bytes, flags, next);
    }
    void write_raw_at(std::uint64_t at, std::uint64_t gpa, std::uint32_t bytes, std::uint16_t flags,
                      std::uint16_t next) {
        ram_.put(at, gpa);
        ram_.put(at + 8, bytes);
        ram_.put(at + 12, flags);
        ram_.put(at + 14, next);
    }
    void offer_head(std::uint16_t head) {
        ram_.put(avail_ + 4 + 2ull * (next_avail_ % size_), head);
        ++next_avail_;
    }
    void publish_index(std::uint16_t index) { atomic16(avail_ + 2).store(index); }

private:
    std::atomic_ref<std::uint16_t> atomic16(std::uint64_t gpa) {
        return std::atomic_ref<std::uint16_t>{*reinterpret_cast<std::uint16_t*>(ram_.at(gpa))};
    }
    void write_descriptor(std::uint64_t table, std::uint16_t index, Buffer const& buffer,
                          std::optional<std::uint16_t> next) {
        auto const flags =
            static_cast<std::uint16_t>((buffer.writable ? desc_write : 0) | (next ? desc_next : 0));
        write_raw_at(table + 16ull * index, buffer.gpa, buffer.bytes, flags, next.value_or(0));
    }

    TestRam& ram_;
    std::uint16_t size_;
    std::uint64_t desc_;
    std::uint64_t avail_;
    std::uint64_t used_;
    std::uint16_t next_avail_ = 0;
    std::uint16_t next_used_ = 0;
    std::vector<std::uint16_t> free_;
    std::map<std::uint16_t, std::vector<std::uint16_t>> chains_; // in flight, by head
};

} // namespace coop::test
