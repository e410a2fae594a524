// SPDX-License-Identifier: GPL-2.0-only
// Numbers of virtio 1.2 that all devices share.
#pragma once

#include <cstdint>

namespace coop {

// Device status bits (section 2.1).
namespace virtio_status {
constexpr std::uint32_t acknowledge = 1;
constexpr std::uint32_t driver = 2;
constexpr std::uint32_t driver_ok = 4;
constexpr std::uint32_t features_ok = 8;
constexpr std::uint32_t device_needs_reset = 64;
constexpr std::uint32_t failed = 128;
} // namespace virtio_status

// Feature bits of the ring and the transport (section 6).
constexpr std::uint64_t virtio_f_indirect_desc = 1ull << 28;
constexpr std::uint64_t virtio_f_event_idx = 1ull << 29;
constexpr std::uint64_t virtio_f_version_1 = 1ull << 32;

// What every model of ours can offer.
constexpr std::uint64_t virtio_common_features =
    virtio_f_version_1 | virtio_f_event_idx | virtio_f_indirect_desc;

} // namespace coop
