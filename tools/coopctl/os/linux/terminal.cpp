// SPDX-License-Identifier: GPL-2.0-only
// termios.
#include "os/terminal.hpp"

#include "devices/file_descriptor_posix.hpp"
#include "failure.hpp"
#include "os/input_thread.hpp"

#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>

namespace coop::ctl {

namespace {

class LinuxTerminal : public Terminal {
public:
    explicit LinuxTerminal(boost::asio::io_context& io)
        : resized_(io, SIGWINCH),
          stop_(eventfd(0, EFD_CLOEXEC)),
          input_(io, [this] { return read_piece(); }) {}

    ~LinuxTerminal() override {
        std::uint64_t const one = 1;
        [[maybe_unused]] auto const written = ::write(stop_.get(), &one, sizeof one);
        input_.stop();
        if (raw_) {
            tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_);
        }
    }
    LinuxTerminal(LinuxTerminal const&) = delete;
    LinuxTerminal& operator=(LinuxTerminal const&) = delete;

    bool interactive() const override { return isatty(STDIN_FILENO) != 0; }

    void make_raw() override {
        if (tcgetattr(STDIN_FILENO, &saved_) != 0) {
            return;
        }
        auto mode = saved_;
        cfmakeraw(&mode);
        raw_ = tcsetattr(STDIN_FILENO, TCSADRAIN, &mode) == 0;
    }

    void read(std::function<void(std::string_view)> handler) override { input_.request(std::move(handler)); }

    void write(std::string_view text) override {
        while (!text.empty()) {
            auto const count = ::write(STDOUT_FILENO, text.data(), text.size());
            if (count > 0) {
                text.remove_prefix(static_cast<std::size_t>(count));
            } else if (errno == EAGAIN) {
                pollfd poll_for{STDOUT_FILENO, POLLOUT, 0};
                poll(&poll_for, 1, -1);
            } else if (errno != EINTR) {
                throw Failure(ExitCode::failure, "cannot write to standard output");
            }
        }
    }

    std::optional<Size> size() const override {
        winsize window{};
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) {
            return std::nullopt;
        }
        return Size{window.ws_col, window.ws_row};
    }

    void on_resize(std::function<void()> handler) override {
        resized_.async_wait(
            [this, handler = std::move(handler)](boost::system::error_code error, int) mutable {
                if (!error) {
                    handler();
                    on_resize(std::move(handler));
                }
            });
    }

private:
    std::string read_piece() {
        pollfd poll_for[2] = {{STDIN_FILENO, POLLIN, 0}, {stop_.get(), POLLIN, 0}};
        while (poll(poll_for, 2, -1) < 0 && errno == EINTR) {
        }
        if (poll_for[1].revents != 0) {
            return {};
        }
        char buffer[4096];
        auto const count = ::read(STDIN_FILENO, buffer, sizeof buffer);
        return {buffer, count > 0 ? static_cast<std::size_t>(count) : 0};
    }

    boost::asio::signal_set resized_;
    FileDescriptor stop_;
    termios saved_{};
    bool raw_ = false;
    InputThread input_; // last: it uses all above
};

} // namespace

std::unique_ptr<Terminal> Terminal::open(boost::asio::io_context& io) {
    return std::make_unique<LinuxTerminal>(io);
}

} // namespace coop::ctl
