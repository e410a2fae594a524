// SPDX-License-Identifier: GPL-2.0-only
// virtio network card; see net.hpp. Section numbers are of virtio 1.2.
#include "devices/net.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace coop {
namespace {

constexpr std::uint32_t device_type = 1;
constexpr std::uint64_t f_mtu = 1ull << 3; // section 5.1.3
constexpr std::uint64_t f_mac = 1ull << 5;
constexpr std::uint64_t f_status = 1ull << 16;
constexpr unsigned receive_queue = 0; // section 5.1.2
constexpr unsigned transmit_queue = 1;
constexpr std::uint16_t status_link_up = 1;

// Section 5.1.4, to the last field that an offered feature makes valid.
struct Config {
    MacAddress mac;
    std::uint16_t status;
    std::uint16_t max_virtqueue_pairs;
    std::uint16_t mtu;
};
static_assert(sizeof(Config) == 12);

// Section 5.1.6, in front of each frame; all zero but for the number of buffers without offloads.
struct Header {
    std::uint8_t flags;
    std::uint8_t gso_type;
    std::uint16_t hdr_len;
    std::uint16_t gso_size;
    std::uint16_t csum_start;
    std::uint16_t csum_offset;
    std::uint16_t num_buffers;
};
static_assert(sizeof(Header) == 12);

// Copies bytes to the front of the spans, which are cut by what was filled. They have room.
void put(std::vector<std::span<std::byte>>& spans, std::span<std::byte const> bytes) {
    for (auto& span : spans) {
        auto const here = std::min(span.size(), bytes.size());
        std::copy_n(bytes.begin(), here, span.begin());
        span = span.subspan(here);
        bytes = bytes.subspan(here);
    }
}

} // namespace

Net::Net(std::unique_ptr<NetBackend> backend, MacAddress mac, std::function<void()> more)
    : backend_{std::move(backend)}, mac_{mac}, more_{std::move(more)} {
    backend_->plug(*this);
}

void Net::set_link(bool up) {
    up_ = up;
    line_.config(config());
}

std::uint32_t Net::id() const {
    return device_type;
}

std::uint64_t Net::features() const {
    return virtio_common_features | f_mtu | f_mac | f_status;
}

std::vector<std::uint16_t> Net::queue_sizes() const {
    return {queue_size, queue_size};
}

std::vector<std::byte> Net::config() const {
    Config const config{mac_, up_ ? status_link_up : std::uint16_t{0}, 1, backend_->mtu()};
    std::vector<std::byte> bytes(sizeof(config));
    std::memcpy(bytes.data(), &config, sizeof(config));
    return bytes;
}

void Net::activate(std::uint64_t, std::vector<Virtqueue> queues, InterruptLine line) {
    receive_ = std::move(queues[receive_queue]);
    transmit_ = std::move(queues[transmit_queue]);
    line_ = std::move(line);
    line_.config(config());           // it may have changed since the bus published it
    receive_.disable_notifications(); // a frame finds a buffer or is dropped: nobody waits for one
    transmit();
}

void Net::notify(unsigned queue) {
    if (queue == transmit_queue) {
        transmit();
    }
}

void Net::reset() {
    receive_ = {};
    transmit_ = {};
    line_ = {};
}

void Net::receive(std::span<std::byte const> frame) {
    if (up_ && deliver(frame)) {
        ++counters_.rx_frames;
        counters_.rx_bytes += frame.size();
    } else {
        ++counters_.rx_dropped;
    }
}

void Net::received() {
    if (receive_.should_interrupt()) {
        line_.queue(receive_queue);
    }
}

bool Net::deliver(std::span<std::byte const> frame) {
    auto popped = receive_.pop();
    if (!popped) {
        line_.fault("network input: " + popped.error().message);
        receive_ = {};
        return false;
    }
    if (!popped->has_value()) {
        return false;
    }
    Chain& chain = **popped;
    auto const bytes = sizeof(Header) + frame.size();
    if (chain.writable_bytes < bytes) {
        receive_.push(chain, 0); // an error of length, to the driver; the next buffer may be longer
        return false;
    }
    Header header{};
    header.num_buffers = 1;
    put(chain.writable, std::as_bytes(std::span{&header, 1}));
    put(chain.writable, frame);
    receive_.push(chain, static_cast<std::uint32_t>(bytes));
    return true;
}

// Gives the backend what the guest offers, up to a queue's worth.
void Net::transmit() {
    auto const more = transmit_.drain([this](Chain const& chain) {
        if (send(chain)) {
            ++counters_.tx_frames;
            counters_.tx_bytes += frame_.size();
        } else {
            ++counters_.tx_dropped;
        }
    });
    received(); // what the backend has answered
    if (!more) {
        line_.fault("network output: " + more.error().message);
        transmit_ = {};
        return;
    }
    if (transmit_.should_interrupt()) {
        line_.queue(transmit_queue);
    }
    if (*more) { // notifications stay off: we come back unasked
        more_();
    }
}

bool Net::send(Chain const& chain) {
    auto const least = sizeof(Header) + ethernet_header_bytes;
    auto const most = sizeof(Header) + net_header_most + backend_->mtu();
    if (!up_ || chain.readable_bytes < least || chain.readable_bytes > most) {
        return false;
    }
    frame_.clear();
    std::size_t skip = sizeof(Header); // nothing in it was negotiated
    for (auto buffer : chain.readable) {
        auto const here = std::min(skip, buffer.size());
        skip -= here;
        frame_.insert(frame_.end(), buffer.begin() + static_cast<std::ptrdiff_t>(here), buffer.end());
    }
    backend_->send(frame_);
    return true;
}

} // namespace coop
