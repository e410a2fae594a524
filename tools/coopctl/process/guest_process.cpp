// SPDX-License-Identifier: GPL-2.0-only
// Life of a guest's process.
#include "process/guest_process.hpp"

#include "os/process.hpp"
#include "process/stats_json.hpp"

#include <boost/asio/post.hpp>
#include <chrono>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coop::ctl {

namespace {

std::int64_t now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::unique_ptr<LockFile> take_name(RuntimeDir const& directory, std::string const& name) {
    directory.prepare();
    if (auto lock = LockFile::try_lock(directory.lock(name))) {
        return lock;
    }
    auto const holder = LockFile::holder(directory.lock(name)).value_or(0);
    throw Failure(ExitCode::failure,
                  fmt::format("a guest named '{}' runs already (process {})", name, holder),
                  fmt::format("stop it with `coopctl stop {}`, or choose another name", name));
}

char const* state_name(int state) {
    static constexpr char const* names[] = {"starting", "running", "stopping", "ended"};
    return names[state];
}

} // namespace

GuestProcess::GuestProcess(RuntimeDir directory, GuestSpec spec, OpenDriver open, bool foreground,
                           std::function<void()> ready)
    : directory_(std::move(directory)),
      spec_(std::move(spec)),
      open_(std::move(open)),
      ready_(std::move(ready)),
      lock_(take_name(directory_, spec_.name)),
      io_(1),
      log_(io_, directory_.log(spec_.name), directory_.older_log(spec_.name), foreground, log_stream_),
      stop_requests_(StopRequests::listen(io_, [this] { on_stop_request(); })),
      force_(io_),
      press_again_(io_),
      input_retry_(io_),
      started_(now()) {
    directory_.remove_last(spec_.name);         // of an earlier guest
    directory_.remove_stale_socket(spec_.name); // clients: no socket yet, so it starts
    log_.own().info("starting guest '{}'", spec_.name);
    try {
        start_guest();
        server_ = std::make_unique<ControlServer>(
            io_, ControlListener::create(io_, directory_.socket(spec_.name)), *this);
    } catch (std::exception const& error) {
        log_.own().error("{}", error.what());
        throw;
    }
}

GuestProcess::~GuestProcess() {
    server_.reset();
    guest_.reset();
}

EndResult GuestProcess::run() {
    for (;;) {
        try {
            io_.run();
            return *result_;
        } catch (std::exception const& error) {
            log_.own().error("unexpected: {}", error.what());
            if (result_) {
                return *result_; // the clients miss it; `status` has it
            }
            guest_.reset();
            finish(describe_error(fmt::format("the guest's process failed: {}", error.what())));
        }
    }
}

void GuestProcess::start_guest() {
    GuestHooks hooks;
    hooks.console_output = [this](std::span<std::byte const> data) { console_.append(data); };
    hooks.kernel_log = [this](std::string_view text) { log_.guest(text); };
    hooks.ready = [this] { on_ready(); };
    hooks.ended = [this](EndResult result) { on_ended(std::move(result)); };
    hooks.fault = [this](std::string const& reason) { log_.own().warn("{}", reason); };
    guest_ = std::make_unique<Guest>(io_, open_(), spec_, std::move(hooks));
    guest_->resize(columns_, rows_);
}

void GuestProcess::on_ready() {
    if (state_ == State::starting) {
        state_ = State::running;
        log_.own().info("the guest's kernel is up");
    }
    if (auto const ready = std::exchange(ready_, nullptr)) {
        ready();
    }
}

void GuestProcess::on_ended(EndResult result) {
    log_.own().info("{}", result.text);
    force_.cancel();
    press_again_.cancel();
    auto retired = [this, result = std::move(result)] { on_retired(result); };
    if (guest_->retire(retired)) {
        retired();
    } else {
        log_.own().info("waiting for its disks");
    }
}

void GuestProcess::on_retired(EndResult result) {
    bool const again = result.reason == "reboot" && spec_.reboot && state_ != State::stopping;
    guest_.reset();
    if (!again) {
        finish(std::move(result));
        return;
    }
    ++reboots_;
    state_ = State::starting;
    try {
        start_guest();
    } catch (std::exception const& error) {
        finish(describe_error(fmt::format("cannot start again after a reboot: {}", error.what())));
    }
}

void GuestProcess::finish(EndResult result) {
    if (forced_ && result.reason == "killed") {
        result.text = "the guest did not shut down in time and was ended by force";
    }
    result.name = spec_.name;
    result.started = started_;
    result.ended = now();
    state_ = State::ended;
    force_.cancel();
    press_again_.cancel();
    input_retry_.cancel();
    if (result.abnormal) {
        log_console_tail();
    }
    log_.flush();
    try {
        directory_.write_last(result);
    } catch (Failure const& failure) {
        log_.own().error("{}", failure.what());
    }
    result_ = result;
    // Whoever hears of the end may start the guest again at once: the name is free first.
    server_->stop_listening();
    lock_.reset();
    // Behind the log lines that are still on their way to viewers.
    boost::asio::post(io_, [this, json = to_json(result)] { server_->finish(json, [this] { io_.stop(); }); });
}

// The console is gone with this process, and it has a panic's last words.
void GuestProcess::log_console_tail() {
    constexpr std::size_t tail = 4096;
    auto const history = console_.history();
    if (history.empty()) {
        return;
    }
    auto const begin = history.size() - std::min(history.size(), tail);
    log_.own().info("the end of the guest's console:");
    log_.guest({reinterpret_cast<char const*>(history.data()) + begin, history.size() - begin});
}

// The first asks for a clean shutdown, the next one does not ask any more.
void GuestProcess::on_stop_request() {
    try {
        if (state_ == State::stopping) {
            kill();
        } else if (state_ != State::ended) {
            stop(default_stop_seconds);
        }
    } catch (Failure const& failure) {
        log_.own().error("{}", failure.what());
    }
}

void GuestProcess::stop(unsigned timeout_seconds) {
    if (!guest_) {
        return;
    }
    log_.own().info("asking the guest to shut down, for {} s", timeout_seconds);
    guest_->press_power_button();
    state_ = State::stopping;
    press_again_later();
    force_later(timeout_seconds);
}

// A press can be lost while user space comes up: there is no init yet that could act on it. One too many is
// harmless.
void GuestProcess::press_again_later() {
    press_again_.expires_after(std::chrono::seconds(press_again_seconds));
    press_again_.async_wait([this](boost::system::error_code error) {
        if (error || !guest_) {
            return;
        }
        try {
            guest_->press_power_button();
        } catch (Failure const& failure) {
            log_.own().error("{}", failure.what());
        }
        press_again_later();
    });
}

void GuestProcess::force_later(unsigned seconds) {
    force_.expires_after(std::chrono::seconds(seconds));
    force_.async_wait([this](boost::system::error_code error) {
        if (error || !guest_) {
            return;
        }
        forced_ = true;
        press_again_.cancel();
        log_.own().warn("the guest did not shut down in time: ending it by force");
        try {
            guest_->kill();
        } catch (Failure const& failure) {
            log_.own().error("{}", failure.what());
        }
    });
}

void GuestProcess::kill() {
    if (guest_) {
        log_.own().info("ending the guest by force");
        state_ = State::stopping;
        press_again_.cancel();
        guest_->kill();
    }
}

std::size_t GuestProcess::input(std::string_view bytes) {
    auto const taken = guest_ ? guest_->input(bytes) : bytes.size();
    if (taken < bytes.size()) { // the console's own buffer is full: look again soon
        input_retry_.expires_after(std::chrono::milliseconds(50));
        input_retry_.async_wait([this](boost::system::error_code error) {
            if (!error) {
                server_->flush_input();
            }
        });
    }
    return taken;
}

void GuestProcess::resize(std::uint16_t columns, std::uint16_t rows) {
    columns_ = columns;
    rows_ = rows;
    if (guest_) {
        guest_->resize(columns, rows);
    }
}

nlohmann::json GuestProcess::status() {
    auto json = to_json(spec_);
    json["state"] = state_name(static_cast<int>(state_));
    json["pid"] = own_process_id();
    json["started"] = started_;
    json["uptime"] = now() - started_;
    json["reboots"] = reboots_;
    json["viewers"] = console_.viewers();
    return json;
}

nlohmann::json GuestProcess::stats() {
    if (!guest_) {
        throw Failure(ExitCode::no_guest, "the guest has ended");
    }
    return stats_json(guest_->stats(), guest_->net_counters());
}

} // namespace coop::ctl
