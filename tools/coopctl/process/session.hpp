// SPDX-License-Identifier: GPL-2.0-only
// One client of the control socket. It can be slow, silent or hostile: its buffers are bounded, and it never
// holds up the guest.
#pragma once

#include "control/protocol.hpp"
#include "os/control_socket.hpp"
#include "process/control_target.hpp"

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace coop::ctl {

class Session : public Viewer, public std::enable_shared_from_this<Session> {
public:
    static constexpr std::size_t output_most = 1 << 20; // bytes queued for a client that does not read

    // closed is called once, when the session is over.
    Session(ControlStream stream, ControlTarget& target, std::function<void(Session&)> closed);
    ~Session() override;
    Session(Session const&) = delete;
    Session& operator=(Session const&) = delete;

    void start();
    // Tells the client how the guest ended, then closes.
    void finish(nlohmann::json const& result);
    // Offers held-back input again.
    void flush_input();
    void close();

    void output(std::span<std::byte const> data) override;

private:
    void read();
    void on_line(std::string const& line);
    void handle(Request const& request);
    void send(nlohmann::json const& message);
    void send_droppable(std::string const& line, std::size_t bytes);
    void write();
    void fail(Failure const& failure); // reports and closes

    ControlStream stream_;
    ControlTarget* target_;
    std::function<void(Session&)> closed_;
    LineBuffer lines_;
    std::array<char, 16384> buffer_{};
    std::string held_input_;
    bool reading_ = false;
    std::deque<std::string> queue_;
    std::size_t queued_ = 0;
    std::uint64_t dropped_ = 0;
    bool writing_ = false;
    bool greeted_ = false;
    bool closing_ = false; // once all is written
    bool is_closed_ = false;
};

} // namespace coop::ctl
