// SPDX-License-Identifier: GPL-2.0-only
// libslirp on the event loop. It knows which sockets to look at and until when at most (slirp_pollfds_fill),
// and then wants to hear what was seen (slirp_pollfds_poll): update() and turn() here, one after the other.
#include "net/user_network.hpp"

#include "failure.hpp"
#include "net/new_flow.hpp"
#include "os/socket_poll.hpp"
#include "spec/ipv4.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fmt/format.h>
#include <set>
#include <slirp/libslirp.h>

namespace coop::ctl {

namespace {

constexpr std::uint16_t mtu_bytes = 1500;
// Both name events alike.
static_assert(SLIRP_POLL_IN == unsigned{SocketPoll::in} && SLIRP_POLL_OUT == unsigned{SocketPoll::out} &&
              SLIRP_POLL_PRI == unsigned{SocketPoll::urgent} &&
              SLIRP_POLL_ERR == unsigned{SocketPoll::error} &&
              SLIRP_POLL_HUP == unsigned{SocketPoll::hang_up});
// What libslirp answers when nothing but time itself could need it.
constexpr std::uint32_t idle_ms = 1000;

in_addr address(std::uint32_t number) {
    in_addr result{};
    result.s_addr = htonl(number);
    return result;
}

// Of the guest's network, 10.0.2.0/24.
in_addr inside(std::uint8_t host) {
    return address(0x0a000200u | host);
}

// NT's C library has no words for errors of sockets.
char const* error_words(int error) {
    switch (error) {
    case EADDRINUSE:
        return "Address already in use";
    case EADDRNOTAVAIL:
        return "Cannot assign requested address";
    case EIO: // libslirp's name for one that it does not know, as of a port that NT keeps for others
        return "the system refuses it";
    default:
        return std::strerror(error);
    }
}

SlirpConfig configuration(bool restricted) {
    SlirpConfig config{};
    config.version = 4;
    config.restricted = restricted ? 1 : 0;
    config.in_enabled = true;
    config.vnetwork = inside(0);
    config.vnetmask = address(0xffffff00);
    config.vhost = inside(2);
    config.vnameserver = inside(3);
    config.vdhcp_start = inside(15);
    config.if_mtu = mtu_bytes;
    config.if_mru = mtu_bytes;
    return config;
}

class UserNetwork : public NetBackend {
public:
    UserNetwork(boost::asio::io_context& io, NetSpec const& spec, std::size_t flows_most)
        : io_(io), flows_most_(flows_most), timer_(io), poll_(SocketPoll::create(io, [this] { turn(); })) {
        auto const config = configuration(spec.restricted);
        slirp_ = slirp_new(&config, &callbacks, this);
        try {
            for (auto const& forward : spec.forwards) {
                add(forward);
            }
        } catch (...) {
            slirp_cleanup(slirp_);
            throw;
        }
        turn();
    }
    ~UserNetwork() override {
        port_ = nullptr;
        alive_.reset();
        slirp_cleanup(slirp_);
    }
    UserNetwork(UserNetwork const&) = delete;
    UserNetwork& operator=(UserNetwork const&) = delete;

    void plug(NetPort& port) override { port_ = &port; }

    void send(std::span<std::byte const> frame) override {
        if (full() && may_open_flow(frame)) {
            return;
        }
        if (idle_) { // its clock has stood still since, and would have the new flow expired at once
            turn();
            idle_ = false;
        }
        slirp_input(slirp_, reinterpret_cast<std::uint8_t const*>(frame.data()),
                    static_cast<int>(frame.size()));
        turn_later();
    }

    std::uint16_t mtu() const override { return mtu_bytes; }

private:
    static UserNetwork& self(void* opaque) { return *static_cast<UserNetwork*>(opaque); }
    static SlirpCb const callbacks;

    void add(PortForward const& forward) {
        in_addr const any_guest{}; // the one that DHCP gives
        if (slirp_add_hostfwd(slirp_, forward.protocol == "udp" ? 1 : 0,
                              address(parse_ipv4(forward.address).value()), forward.start, any_guest,
                              forward.to) != 0) {
            throw Failure(ExitCode::failure,
                          fmt::format("cannot forward {} {}:{}: {}", forward.protocol, forward.address,
                                      forward.start, error_words(errno)),
                          "choose an address of this host, and a port that is free");
        }
    }

    bool full() const { return flows_.size() >= flows_most_; }

    // Hears what libslirp waits for, and waits for it.
    void update() {
        std::uint32_t timeout = UINT32_MAX;
        sockets_.clear();
        slirp_pollfds_fill(
            slirp_, &timeout,
            [](int socket, int events, void* opaque) { return self(opaque).add_poll(socket, events); }, this);
        poll_->watch(sockets_);
        idle_ = timeout >= idle_ms && sockets_.empty();
        if (idle_) {
            timer_.cancel();
        } else {
            arm(timeout);
        }
    }

    void turn_later() {
        if (std::exchange(turn_due_, true)) {
            return;
        }
        boost::asio::post(io_, [this, alive = std::weak_ptr<bool>(alive_)] {
            if (!alive.expired()) {
                turn_due_ = false;
                turn();
            }
        });
    }

    void arm(std::uint32_t milliseconds) {
        timer_.expires_after(std::chrono::milliseconds(milliseconds));
        timer_.async_wait([this, alive = std::weak_ptr<bool>(alive_)](boost::system::error_code error) {
            if (!error && !alive.expired()) {
                turn();
            }
        });
    }

    int add_poll(int socket, int events) {
        // A forward's is the one socket that libslirp does not register: with too many flows it lets nobody
        // in.
        bool const look = !full() || flows_.count(socket) != 0;
        sockets_.push_back({socket, look ? static_cast<unsigned>(events) : 0});
        return static_cast<int>(sockets_.size() - 1);
    }

    // Something is ready, or due, or the guest has sent something: what waited for that goes out.
    void turn() {
        seen_ = poll_->look();
        slirp_pollfds_poll(
            slirp_, 0,
            [](int index, void* opaque) {
                return static_cast<int>(self(opaque).seen_[static_cast<std::size_t>(index)]);
            },
            this);
        if (port_ != nullptr) {
            port_->received();
        }
        update();
    }

    boost::asio::io_context& io_;
    std::size_t const flows_most_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    boost::asio::steady_timer timer_;
    std::unique_ptr<SocketPoll> poll_;
    NetPort* port_ = nullptr;
    Slirp* slirp_ = nullptr;
    std::set<int> flows_;                     // sockets of connections, pings and UDP ports
    std::vector<SocketPoll::Socket> sockets_; // as filled last; libslirp knows them by their index
    std::vector<unsigned> seen_;              // of them, likewise
    bool turn_due_ = false;
    bool idle_ = false; // nothing is waited for
};

// Timers are for IPv6 alone.
SlirpCb const UserNetwork::callbacks = [] {
    SlirpCb table{};
    table.send_packet = [](void const* frame, std::size_t bytes, void* opaque) {
        if (auto* const port = self(opaque).port_) {
            port->receive({static_cast<std::byte const*>(frame), bytes});
        }
        return static_cast<ssize_t>(bytes);
    };
    table.guest_error = [](char const*, void*) {}; // its own business, and at its own pace
    table.clock_get_ns = [](void*) {
        auto const now = std::chrono::steady_clock::now().time_since_epoch();
        return std::int64_t{std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()};
    };
    table.register_poll_fd = [](int socket, void* opaque) {
        if (socket >= 0) { // it tells of those that it failed to open too
            self(opaque).flows_.insert(socket);
        }
    };
    table.unregister_poll_fd = [](int socket, void* opaque) {
        self(opaque).flows_.erase(socket);
        self(opaque).poll_->forget(socket);
    };
    table.notify = [](void* opaque) { self(opaque).turn_later(); };
    return table;
}();

} // namespace

std::unique_ptr<NetBackend> make_user_network(boost::asio::io_context& io, NetSpec const& spec,
                                              std::size_t flows_most) {
    return std::make_unique<UserNetwork>(io, spec, flows_most);
}

} // namespace coop::ctl
