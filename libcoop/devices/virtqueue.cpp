// SPDX-License-Identifier: GPL-2.0-only
// The device's side of a split virtqueue; see virtqueue.hpp. Section numbers are of virtio 1.2.
#include "devices/virtqueue.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <stdexcept>

#include <fmt/format.h>

namespace coop {
namespace {

static_assert(std::endian::native == std::endian::little, "rings are little endian");

// Section 2.7.5: descriptors.
constexpr std::uint64_t descriptor_bytes = 16;
constexpr std::uint16_t flag_next = 1;
constexpr std::uint16_t flag_write = 2;
constexpr std::uint16_t flag_indirect = 4;
// Sections 2.7.6 and 2.7.8: both rings begin with 16 bits of flags and a 16-bit index.
constexpr std::uint64_t index_offset = 2;
constexpr std::uint64_t ring_offset = 4;
constexpr std::uint64_t used_element_bytes = 8;
constexpr std::uint16_t available_no_interrupt = 1;
constexpr std::uint16_t used_no_notify = 1;

// Memory shared with the guest is only ever accessed through these: one access, of the width asked for.
template <typename T>
T shared_load(std::byte const* p, std::memory_order order = std::memory_order_relaxed) {
    auto* word = reinterpret_cast<T*>(const_cast<std::byte*>(p));
    return std::atomic_ref<T>{*word}.load(order);
}

template <typename T>
void shared_store(std::byte* p, T value, std::memory_order order = std::memory_order_relaxed) {
    std::atomic_ref<T>{*reinterpret_cast<T*>(p)}.store(value, order);
}

} // namespace

Expected<Virtqueue> Virtqueue::create(GuestRam const& ram, VirtqueueLayout const& layout,
                                      std::uint64_t features) {
    std::uint64_t const size = layout.size;
    if (!std::has_single_bit(size) || size > 32768) {
        return Failure{
            fmt::format("queue size {} is not a power of two up to 32768; a fault of the driver", size)};
    }
    if (layout.desc_gpa % 16 != 0 || layout.driver_gpa % 2 != 0 || layout.device_gpa % 4 != 0) {
        return Failure{
            fmt::format("queue parts at {:#x}, {:#x}, {:#x} are not aligned to 16, 2 and 4 bytes; a fault of "
                        "the driver",
                        layout.desc_gpa, layout.driver_gpa, layout.device_gpa)};
    }
    // Each ring ends with a 16-bit event field.
    Virtqueue queue;
    queue.desc_ = ram.translate(layout.desc_gpa, size * descriptor_bytes);
    queue.driver_ = ram.translate(layout.driver_gpa, ring_offset + size * 2 + 2);
    queue.device_ = ram.translate(layout.device_gpa, ring_offset + size * used_element_bytes + 2);
    if (queue.desc_ == nullptr || queue.driver_ == nullptr || queue.device_ == nullptr) {
        return Failure{
            fmt::format("queue parts at {:#x}, {:#x}, {:#x} for {} descriptors are not all in guest RAM; a "
                        "fault of the driver",
                        layout.desc_gpa, layout.driver_gpa, layout.device_gpa, size)};
    }
    queue.ram_ = &ram;
    queue.features_ = features;
    queue.size_ = layout.size;
    queue.in_flight_.resize(size);
    return queue;
}

std::uint16_t Virtqueue::available_index() const {
    // Acquire: the ring entries and descriptors up to the index are visible after it.
    return shared_load<std::uint16_t>(driver_ + index_offset, std::memory_order_acquire);
}

Expected<std::optional<Chain>> Virtqueue::pop() {
    if (!enabled()) {
        return std::optional<Chain>{};
    }
    auto const offered = static_cast<std::uint16_t>(available_index() - next_available_);
    if (offered == 0) {
        return std::optional<Chain>{};
    }
    if (offered > size_) {
        return Failure{fmt::format("available index is {} ahead in a queue of {}; a fault of the driver",
                                   offered, size_)};
    }
    std::uint64_t const entry = ring_offset + 2ull * (next_available_ % size_);
    auto const head = shared_load<std::uint16_t>(driver_ + entry);
    if (head >= size_) {
        return Failure{
            fmt::format("chain begins at descriptor {} of {}; a fault of the driver", head, size_)};
    }
    if (in_flight_[head]) { // also keeps the number of requests in flight below the size of the queue
        return Failure{
            fmt::format("descriptor {} was offered again while in use; a fault of the driver", head)};
    }
    Chain chain;
    chain.head = head;
    if (auto walked = walk(head, chain); !walked) {
        return walked.error();
    }
    in_flight_[head] = true;
    ++next_available_;
    return std::optional<Chain>{std::move(chain)};
}

Virtqueue::Descriptor Virtqueue::read_descriptor(Table const& table, std::uint32_t index) {
    // By octets, since an indirect table may lie at any address; volatile, since the guest may change it
    // between two reads.
    auto const* p = static_cast<std::byte const volatile*>(table.base + index * descriptor_bytes);
    std::array<std::byte, descriptor_bytes> copy{};
    for (std::size_t i = 0; i < copy.size(); ++i) {
        copy[i] = p[i];
    }
    return std::bit_cast<Descriptor>(copy);
}

Expected<Virtqueue::Table> Virtqueue::open_indirect(Descriptor const& descriptor) const {
    if ((features_ & virtio_f_indirect_desc) == 0) {
        return Failure{"indirect descriptor without VIRTIO_F_INDIRECT_DESC; a fault of the driver"};
    }
    if ((descriptor.flags & flag_next) != 0) {
        return Failure{"indirect descriptor with a next one; a fault of the driver"};
    }
    std::uint32_t const entries = descriptor.bytes / descriptor_bytes;
    if (descriptor.bytes % descriptor_bytes != 0 || entries == 0 || entries > max_indirect) {
        return Failure{
            fmt::format("indirect table of {} bytes is not 1 to {} descriptors; a fault of the driver",
                        descriptor.bytes, max_indirect)};
    }
    std::byte const* base = ram_->translate(descriptor.gpa, descriptor.bytes);
    if (base == nullptr) {
        return Failure{
            fmt::format("indirect table of {} bytes at {:#x} is not in guest RAM; a fault of the driver",
                        descriptor.bytes, descriptor.gpa)};
    }
    return Table{base, entries, true};
}

Expected<void> Virtqueue::walk(std::uint16_t head, Chain& chain) const {
    Table table{desc_, size_, false};
    std::uint32_t index = head;
    // No chain is longer than its table (section 2.7.5), so a longer walk is a loop.
    for (std::uint32_t left = table.size; left > 0; --left) {
        Descriptor const descriptor = read_descriptor(table, index);
        if ((descriptor.flags & flag_indirect) != 0) { // the rest of the chain is in another table
            if (table.indirect) {
                return Failure{"indirect table inside an indirect table; a fault of the driver"};
            }
            auto opened = open_indirect(descriptor);
            if (!opened) {
                return opened.error();
            }
            table = *opened;
            index = 0;
            left = table.size + 1; // less the loop's decrement
            continue;
        }
        if (auto appended = append(descriptor, chain); !appended) {
            return appended;
        }
        if ((descriptor.flags & flag_next) == 0) {
            return {};
        }
        index = descriptor.next;
        if (index >= table.size) {
            return Failure{fmt::format("descriptor {} of {} is next in a chain; a fault of the driver", index,
                                       table.size)};
        }
    }
    return Failure{fmt::format("chain from descriptor {} does not end; a fault of the driver", head)};
}

Expected<void> Virtqueue::append(Descriptor const& descriptor, Chain& chain) const {
    bool const writable = (descriptor.flags & flag_write) != 0;
    if (!writable && !chain.writable.empty()) {
        return Failure{"readable buffer after a writable one; a fault of the driver"}; // section 2.7.4.2
    }
    if (descriptor.bytes == 0) {
        return Failure{"buffer of no bytes; a fault of the driver"};
    }
    if (chain.readable_bytes + chain.writable_bytes + descriptor.bytes > UINT32_MAX) {
        return Failure{"chain of 4 GiB or more; a fault of the driver"}; // section 2.7.5
    }
    std::vector<std::span<std::byte>> read_pieces;
    auto& pieces = writable ? chain.writable : read_pieces;
    if (!ram_->gather(descriptor.gpa, descriptor.bytes, pieces)) {
        return Failure{fmt::format("buffer of {} bytes at {:#x} is not in guest RAM; a fault of the driver",
                                   descriptor.bytes, descriptor.gpa)};
    }
    chain.readable.insert(chain.readable.end(), read_pieces.begin(), read_pieces.end());
    (writable ? chain.writable_bytes : chain.readable_bytes) += descriptor.bytes;
    return {};
}

void Virtqueue::push(Chain const& chain, std::uint32_t written) {
    if (chain.head >= in_flight_.size() || !in_flight_[chain.head]) {
        throw std::logic_error{"a chain was pushed that is not in flight"};
    }
    in_flight_[chain.head] = false;
    std::byte* element = device_ + ring_offset + used_element_bytes * (next_used_ % size_);
    shared_store<std::uint32_t>(element, chain.head);
    shared_store<std::uint32_t>(element + 4, written);
    // Release: the buffers and the element are visible before the index.
    shared_store<std::uint16_t>(device_ + index_offset, ++next_used_, std::memory_order_release);
}

bool Virtqueue::should_interrupt() {
    if (!enabled() || next_used_ == interrupted_used_) {
        return false;
    }
    // The used index must be visible before the driver's wish is read (section 2.7.7.2): the driver does the
    // opposite.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if ((features_ & virtio_f_event_idx) == 0) {
        interrupted_used_ = next_used_;
        return (shared_load<std::uint16_t>(driver_) & available_no_interrupt) == 0;
    }
    auto const used_event = shared_load<std::uint16_t>(driver_ + ring_offset + 2ull * size_);
    // Section 2.7.10: whether used_event lies in what was pushed since the last decision, modulo 2^16.
    auto const past_event = static_cast<std::uint16_t>(next_used_ - used_event - 1);
    auto const pushed = static_cast<std::uint16_t>(next_used_ - interrupted_used_);
    interrupted_used_ = next_used_;
    return past_event < pushed;
}

void Virtqueue::disable_notifications() {
    // With VIRTIO_F_EVENT_IDX an avail_event left behind does it: the driver rings only when it passes that
    // index.
    if (enabled() && (features_ & virtio_f_event_idx) == 0) {
        shared_store<std::uint16_t>(device_, used_no_notify);
    }
}

bool Virtqueue::enable_notifications() {
    if (!enabled()) {
        return false;
    }
    if ((features_ & virtio_f_event_idx) != 0) {
        shared_store<std::uint16_t>(device_ + ring_offset + used_element_bytes * size_, next_available_);
    } else {
        shared_store<std::uint16_t>(device_, 0);
    }
    // The wish must be visible before the index is read again: the driver does the opposite.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return available_index() != next_available_;
}

Expected<bool> Virtqueue::drain(std::function<void(Chain const&)> const& read) {
    unsigned left = size_;
    do {
        disable_notifications();
        for (; left > 0; --left) {
            auto popped = pop();
            if (!popped) {
                return popped.error();
            }
            if (!popped->has_value()) {
                break;
            }
            read(**popped);
            push(**popped, 0);
        }
        if (left == 0) {
            return enabled();
        }
    } while (enable_notifications());
    return false;
}

} // namespace coop
