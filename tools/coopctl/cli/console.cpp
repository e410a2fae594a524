// SPDX-License-Identifier: GPL-2.0-only
// `coopctl console` and `coopctl logs`: the streams of a guest.
#include "cli/client.hpp"
#include "cli/commands.hpp"
#include "cli/report.hpp"
#include "control/base64.hpp"
#include "os/stop_requests.hpp"
#include "os/terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coop::ctl {

namespace {

constexpr char detach_key = 0x1d; // Ctrl-]

class Viewing {
public:
    Viewing(Client& client, Terminal& terminal) : client_(client), terminal_(terminal) {}

    void show() {
        client_.receive_all([this](nlohmann::json const& message) { return on_message(message); },
                            [this] {
                                failure_ = Failure(ExitCode::guest_failed, "the guest's process is gone");
                                client_.io().stop();
                            });
    }

    void forward_input() {
        terminal_.read([this](std::string_view text) {
            auto const key = terminal_.interactive() ? text.find(detach_key) : std::string_view::npos;
            bool const detach = key != std::string_view::npos;
            auto const next = [this, detach] {
                if (detach) {
                    detached_ = true;
                    client_.io().stop();
                } else {
                    forward_input();
                }
            };
            if (auto const typed = text.substr(0, key); !typed.empty()) {
                // More is read once this is written: a guest that does not read must not keep us from showing
                // its output.
                client_.enqueue(InputRequest{std::string(typed)},
                                detach ? std::function<void()>([] {}) : next);
            }
            if (detach) { // at once, even if the guest's side does not take input any more
                next();
            }
            // Nothing at all is the end of input; there is still output to see.
        });
    }

    void forward_size() {
        if (auto const size = terminal_.size()) {
            client_.enqueue(ResizeRequest{size->columns, size->rows}, [] {});
        }
    }

    // Once io has stopped. How the guest ended, if it did.
    std::optional<EndResult> const& end() const { return end_; }
    bool detached() const { return detached_; }
    std::optional<Failure> const& failure() const { return failure_; }

private:
    bool on_message(nlohmann::json const& message) {
        auto const type = message.value("type", "");
        if (type == "output") {
            terminal_.write(base64_decode(message.value("data", "")).value_or(""));
        } else if (type == "dropped") {
            terminal_.write(
                fmt::format("\r\n[coopctl: {} bytes were not shown, the terminal was too slow]\r\n",
                            message.value("bytes", std::uint64_t{0})));
        } else if (type == "error") {
            failure_ =
                Failure(static_cast<ExitCode>(message.value("code", 1)), message.value("message", "refused"));
        } else if (type == "end") {
            end_ = end_from_json(message.at("result"));
        }
        if (end_ || failure_) {
            client_.io().stop();
        }
        return !end_ && !failure_;
    }

    Client& client_;
    Terminal& terminal_;
    std::optional<EndResult> end_;
    std::optional<Failure> failure_;
    bool detached_ = false;
};

} // namespace

int console_command(Arguments const& arguments) {
    auto const name = arguments.guest_name();
    Client client(arguments.runtime_dir(), name);
    auto terminal = Terminal::open(client.io());
    bool const interactive = terminal->interactive();
    Viewing viewing(client, *terminal);
    // The terminal must be made sane again, whatever ends us.
    auto const stop_requests = StopRequests::listen(client.io(), [&] { client.io().stop(); });
    if (interactive) {
        fmt::print(stderr, "[attached to '{}'; Ctrl-] detaches]\n", name);
        terminal->make_raw();
        terminal->on_resize([&] { viewing.forward_size(); });
    }
    client.request(ConsoleRequest{});
    viewing.forward_size();
    viewing.show();
    if (!arguments.flag("no-input")) {
        viewing.forward_input();
    }
    client.io().restart();
    client.io().run();
    terminal.reset();
    if (viewing.failure()) {
        throw Failure(*viewing.failure());
    }
    if (viewing.end()) {
        fmt::print(stderr, "{}[guest '{}': {}]\n", interactive ? "\r\n" : "", name, viewing.end()->text);
        return static_cast<int>(viewing.end()->abnormal ? ExitCode::guest_failed : ExitCode::ok);
    }
    if (interactive) {
        fmt::print(stderr, "\r\n[{} from '{}']\n", viewing.detached() ? "detached" : "interrupted: detached",
                   name);
    }
    return 0;
}

int logs_command(Arguments const& arguments) {
    auto const name = arguments.guest_name();
    auto const directory = arguments.runtime_dir();
    directory.check_readable();
    auto const entry = directory.find(name);
    if (!arguments.flag("follow") || !entry || !entry->process) {
        if (!print_log_files(directory, name)) {
            throw not_running(directory, name);
        }
        return 0;
    }
    Client client(directory, name);
    auto const terminal = Terminal::open(client.io());
    Viewing viewing(client, *terminal);
    client.request(LogsRequest{});
    viewing.show();
    client.io().restart();
    client.io().run();
    if (viewing.failure()) {
        throw Failure(*viewing.failure());
    }
    return 0;
}

} // namespace coop::ctl
