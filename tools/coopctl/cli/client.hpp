// SPDX-License-Identifier: GPL-2.0-only
// A connection to a guest's process.
#pragma once

#include "control/protocol.hpp"
#include "control/runtime_dir.hpp"
#include "os/control_socket.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace coop::ctl {

class Client {
public:
    using Milliseconds = std::chrono::milliseconds;
    static constexpr Milliseconds answer_time{5000};

    // Throws Failure (no_guest) that says how the guest ended, if that is known.
    Client(RuntimeDir const& directory, std::string const& name);
    Client(Client const&) = delete;
    Client& operator=(Client const&) = delete;

    // The data of the reply. Throws Failure: the guest's side refused, or does not answer.
    nlohmann::json request(Request const& request);
    void send(Request const& request);
    // The same without waiting, in order; done is called once it is written. Not to be mixed with send while
    // one is under way.
    void enqueue(Request const& request, std::function<void()> done);
    // The next message, of any type. Throws Failure after the time given, or if the guest's process goes
    // away.
    nlohmann::json receive(std::optional<Milliseconds> time);
    // Reads until the guest has ended; returns its result.
    EndResult wait_for_end();

    // For console and logs: calls handler with each message from now on, until it returns false; closed if
    // the process goes away.
    void receive_all(std::function<bool(nlohmann::json const&)> handler, std::function<void()> closed);
    boost::asio::io_context& io() { return io_; }

private:
    struct Outgoing {
        std::string line;
        std::function<void()> done;
    };

    std::optional<nlohmann::json> buffered();
    void write();

    boost::asio::io_context io_;
    ControlStream stream_;
    LineBuffer lines_;
    std::array<char, 16384> buffer_{};
    std::deque<Outgoing> outgoing_;
    std::string name_;
};

// The failure to report for a guest that does not run.
Failure not_running(RuntimeDir const& directory, std::string const& name);

} // namespace coop::ctl
