// SPDX-License-Identifier: GPL-2.0-only
// An epoll instance of its own, which is one descriptor to the event loop however many sockets are in it.
#include "os/socket_poll.hpp"

#include "devices/file_descriptor_posix.hpp"
#include "failure.hpp"

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <sys/epoll.h>

namespace coop::ctl {

namespace {

struct Name {
    unsigned ours;
    std::uint32_t theirs;
};
constexpr Name names[] = {{SocketPoll::in, EPOLLIN},
                          {SocketPoll::out, EPOLLOUT},
                          {SocketPoll::urgent, EPOLLPRI},
                          {SocketPoll::error, EPOLLERR},
                          {SocketPoll::hang_up, EPOLLHUP}};

// The asynchronous wait outlives the SocketPoll by one completion, so its state is shared.
class EpollSet : public std::enable_shared_from_this<EpollSet> {
public:
    EpollSet(boost::asio::io_context& io, int epoll, std::function<void()> handler)
        : stream_(io, epoll), handler_(std::move(handler)) {}

    int descriptor() { return stream_.native_handle(); }

    void wait() {
        if (std::exchange(waiting_, true)) {
            return;
        }
        stream_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](boost::system::error_code error) {
                               self->waiting_ = false;
                               if (!error && self->handler_) {
                                   auto const handler = self->handler_;
                                   handler();
                               }
                           });
    }

    void stop() {
        handler_ = nullptr;
        boost::system::error_code ignored;
        stream_.close(ignored);
    }

private:
    boost::asio::posix::stream_descriptor stream_;
    std::function<void()> handler_;
    bool waiting_ = false;
};

class LinuxSocketPoll : public SocketPoll {
public:
    explicit LinuxSocketPoll(std::shared_ptr<EpollSet> set) : set_(std::move(set)) {}
    ~LinuxSocketPoll() override { set_->stop(); }
    LinuxSocketPoll(LinuxSocketPoll const&) = delete;
    LinuxSocketPoll& operator=(LinuxSocketPoll const&) = delete;

    void watch(std::vector<Socket> const& sockets) override {
        watched_ = sockets.size();
        auto before = std::exchange(known_, {});
        for (std::size_t i = 0; i < sockets.size(); ++i) {
            auto const [socket, wanted] = sockets[i];
            if (wanted == 0) {
                continue;
            }
            auto const old = before.find(socket);
            if (old == before.end()) {
                control(EPOLL_CTL_ADD, socket, wanted);
            } else {
                if (old->second.wanted != wanted) {
                    control(EPOLL_CTL_MOD, socket, wanted);
                }
                before.erase(old);
            }
            known_[socket] = {wanted, i};
        }
        for (auto const& [socket, known] : before) {
            control(EPOLL_CTL_DEL, socket, 0);
        }
        if (!known_.empty()) {
            set_->wait();
        }
    }

    std::vector<unsigned> look() override {
        std::vector<unsigned> seen(watched_);
        std::vector<epoll_event> events(known_.size() + 1);
        int const count = epoll_wait(set_->descriptor(), events.data(), static_cast<int>(events.size()), 0);
        for (int i = 0; i < count; ++i) {
            auto const& event = events[static_cast<std::size_t>(i)];
            for (auto const& name : names) {
                seen[known_.at(event.data.fd).index] |= (event.events & name.theirs) != 0 ? name.ours : 0;
            }
        }
        return seen;
    }

    void forget(int socket) override {
        if (known_.erase(socket) != 0) {
            control(EPOLL_CTL_DEL, socket, 0);
        }
    }

private:
    struct Known {
        unsigned wanted;
        std::size_t index; // in the last call of watch()
    };

    // Fails only for want of kernel memory: then the library's own timers find the socket dead.
    void control(int operation, int socket, unsigned wanted) {
        epoll_event change{};
        change.data.fd = socket;
        for (auto const& name : names) {
            change.events |= (wanted & name.ours) != 0 ? name.theirs : 0;
        }
        epoll_ctl(set_->descriptor(), operation, socket, &change);
    }

    std::shared_ptr<EpollSet> set_;
    std::map<int, Known> known_; // those in the epoll instance
    std::size_t watched_ = 0;
};

} // namespace

std::unique_ptr<SocketPoll> SocketPoll::create(boost::asio::io_context& io, std::function<void()> handler) {
    FileDescriptor epoll(epoll_create1(EPOLL_CLOEXEC));
    if (epoll.get() < 0) {
        throw Failure(ExitCode::failure, fmt::format("cannot wait for sockets: {}", std::strerror(errno)));
    }
    auto set = std::make_shared<EpollSet>(io, epoll.get(), std::move(handler));
    epoll.release();
    return std::make_unique<LinuxSocketPoll>(std::move(set));
}

} // namespace coop::ctl
