// SPDX-License-Identifier: GPL-2.0-only
// The process of one guest: its lock, log, control socket and event loop around a Guest that is made anew at
// each reboot.
#pragma once

#include "control/runtime_dir.hpp"
#include "os/driver.hpp"
#include "os/lock_file.hpp"
#include "os/stop_requests.hpp"
#include "process/control_server.hpp"
#include "process/control_target.hpp"
#include "process/guest.hpp"
#include "process/logging.hpp"
#include "spec/guest_spec.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>

namespace coop::ctl {

class GuestProcess : public ControlTarget {
public:
    static constexpr std::size_t scrollback = std::size_t{64} << 10;
    static constexpr unsigned default_stop_seconds = 30;
    static constexpr unsigned press_again_seconds = 5;

    using OpenDriver = std::function<std::unique_ptr<Driver>()>;

    // Takes the name and starts the guest. Throws Failure, with nothing left behind but the log.
    // ready: called once the guest's console driver is up.
    GuestProcess(RuntimeDir directory, GuestSpec spec, OpenDriver open, bool foreground,
                 std::function<void()> ready);
    ~GuestProcess() override;
    GuestProcess(GuestProcess const&) = delete;
    GuestProcess& operator=(GuestProcess const&) = delete;

    // Until the guest has ended and its clients know.
    EndResult run();

private:
    enum class State { starting, running, stopping, ended };

    void start_guest();
    void on_ready();
    void on_ended(EndResult result);
    void on_retired(EndResult result);
    void finish(EndResult result);
    void press_again_later();
    void force_later(unsigned seconds);
    void on_stop_request();
    void log_console_tail();

    nlohmann::json status() override;
    nlohmann::json stats() override;
    void stop(unsigned timeout_seconds) override;
    void kill() override;
    std::size_t input(std::string_view bytes) override;
    void resize(std::uint16_t columns, std::uint16_t rows) override;
    Stream& console() override { return console_; }
    Stream& log() override { return log_stream_; }
    std::string const& name() const override { return spec_.name; }

    RuntimeDir directory_;
    GuestSpec spec_;
    OpenDriver open_;
    std::function<void()> ready_;
    std::unique_ptr<LockFile> lock_;
    boost::asio::io_context io_;
    Stream console_{scrollback};
    Stream log_stream_{scrollback};
    ProcessLog log_;
    std::unique_ptr<StopRequests> stop_requests_;
    boost::asio::steady_timer force_;
    boost::asio::steady_timer press_again_;
    boost::asio::steady_timer input_retry_;
    State state_ = State::starting;
    bool forced_ = false; // ended because it did not stop in time
    unsigned reboots_ = 0;
    std::uint16_t columns_ = 80;
    std::uint16_t rows_ = 25;
    std::int64_t started_ = 0;
    std::optional<EndResult> result_;
    std::unique_ptr<Guest> guest_;
    std::unique_ptr<ControlServer> server_; // first to go: its sessions refer to all above
};

} // namespace coop::ctl
