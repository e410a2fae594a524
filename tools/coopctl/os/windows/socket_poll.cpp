// SPDX-License-Identifier: GPL-2.0-only
// One event for all sockets wakes the loop, select() says what is ready. The event alone would not do: it is
// set once for each thing that happens, until the socket is used. Not WSAPoll(): before Windows 10 2004 it
// does not tell of a connection that failed, and ReactOS has none.
#include "os/socket_poll.hpp"

#include "os/windows/text.hpp"

#include <boost/asio/windows/object_handle.hpp>
#include <cstddef>
#include <map>
#include <set>

namespace coop::ctl {

namespace {

// What select() takes as an fd_set: the number of sockets, and then these. Room for more than FD_SETSIZE.
class SocketSet {
public:
    void add(SOCKET socket) {
        words_.push_back(socket);
        ++words_[0];
    }
    bool empty() const { return words_[0] == 0; }
    fd_set* get() { return reinterpret_cast<fd_set*>(words_.data()); }

    template <typename Function>
    void for_each(Function&& function) const {
        for (std::size_t i = 1; i <= words_[0]; ++i) {
            function(static_cast<int>(words_[i]));
        }
    }

private:
    static_assert(offsetof(fd_set, fd_count) == 0 && offsetof(fd_set, fd_array) == sizeof(SOCKET));
    std::vector<SOCKET> words_{0};
};

class WindowsSocketPoll : public SocketPoll {
public:
    WindowsSocketPoll(boost::asio::io_context& io, Handle event, std::function<void()> handler)
        : event_(io, event.get()), handler_(std::move(handler)) {
        event.release();
    }

    void watch(std::vector<Socket> const& sockets) override {
        watched_ = sockets;
        bool any = false;
        for (auto const [socket, wanted] : sockets) {
            // All events, once and for all: one that nobody wants is a turn of the loop in vain. It makes the
            // socket non-blocking. Fails only for want of memory: then the library's own timers find it dead.
            if (wanted != 0 && known_.insert(socket).second) {
                WSAEventSelect(static_cast<SOCKET>(socket), event_.native_handle(),
                               FD_READ | FD_WRITE | FD_ACCEPT | FD_CONNECT | FD_CLOSE);
            }
            any = any || wanted != 0;
        }
        if (!any) {
            return;
        }
        wait();
        for (auto const events : ready()) {
            if (events != 0) { // and was told of already
                SetEvent(event_.native_handle());
                return;
            }
        }
    }

    std::vector<unsigned> look() override {
        if (std::exchange(told_, false)) {
            for (auto const socket : known_) {
                WSANETWORKEVENTS ignored; // what follows is recorded anew
                WSAEnumNetworkEvents(static_cast<SOCKET>(socket), nullptr, &ignored);
            }
        }
        return ready();
    }

    void forget(int socket) override { known_.erase(socket); }

private:
    void wait() {
        if (std::exchange(waiting_, true)) {
            return;
        }
        event_.async_wait([this, alive = std::weak_ptr<bool>(alive_)](boost::system::error_code error) {
            if (!error && !alive.expired()) {
                waiting_ = false;
                told_ = true;
                handler_();
            }
        });
    }

    // Of the sockets watched last, but for those that have been closed since. Urgent data comes in line.
    std::vector<unsigned> ready() const {
        SocketSet readable;
        SocketSet writable;
        SocketSet failed; // to connect
        for (auto const [socket, wanted] : watched_) {
            if (wanted == 0 || known_.count(socket) == 0) {
                continue;
            }
            if ((wanted & in) != 0) {
                readable.add(static_cast<SOCKET>(socket));
            }
            if ((wanted & out) != 0) {
                writable.add(static_cast<SOCKET>(socket));
            }
            failed.add(static_cast<SOCKET>(socket));
        }
        std::map<int, unsigned> events;
        TIMEVAL at_once{};
        if (!failed.empty() && select(0, readable.get(), writable.get(), failed.get(), &at_once) > 0) {
            readable.for_each([&](int socket) { events[socket] |= in; });
            writable.for_each([&](int socket) { events[socket] |= out; });
            failed.for_each([&](int socket) { events[socket] |= error; });
        }
        std::vector<unsigned> seen;
        seen.reserve(watched_.size());
        for (auto const& [socket, wanted] : watched_) {
            auto const found = events.find(socket);
            seen.push_back(found == events.end() ? 0 : found->second);
        }
        return seen;
    }

    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    boost::asio::windows::object_handle event_;
    std::function<void()> handler_;
    std::vector<Socket> watched_;
    std::set<int> known_; // those whose events are told
    bool waiting_ = false;
    bool told_ = false; // since the last look
};

} // namespace

std::unique_ptr<SocketPoll> SocketPoll::create(boost::asio::io_context& io, std::function<void()> handler) {
    Handle event{CreateEventW(nullptr, FALSE, FALSE, nullptr)};
    if (!event) {
        throw failed("cannot wait for sockets");
    }
    return std::make_unique<WindowsSocketPoll>(io, std::move(event), std::move(handler));
}

} // namespace coop::ctl
