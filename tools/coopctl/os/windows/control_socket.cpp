// SPDX-License-Identifier: GPL-2.0-only
// Control socket as a named pipe. Any user could take a name that can be guessed; so the pipe's is random,
// and the file NAME.sock in the private directory says it.
#include "os/control_socket.hpp"

#include "os/process.hpp"
#include "os/windows/security.hpp"
#include "os/windows/text.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/windows/overlapped_ptr.hpp>
#include <fmt/format.h>
#include <fstream>
#include <random>

namespace coop::ctl {

namespace {

namespace asio = boost::asio;

constexpr DWORD buffer_bytes = 65536; // a line of the protocol
constexpr std::string_view name_prefix = "coop-";

std::string random_name() {
    std::random_device random;
    std::string name(name_prefix);
    for (int i = 0; i < 4; ++i) {
        name += fmt::format("{:08x}", random());
    }
    return name;
}

std::wstring pipe_path(std::string const& name) {
    return L"\\\\.\\pipe\\" + to_wide(name);
}

class Acceptor : public std::enable_shared_from_this<Acceptor> {
public:
    Acceptor(asio::io_context& io, std::string const& name) : path_(pipe_path(name)), next_(io), pause_(io) {
        make_instance(FILE_FLAG_FIRST_PIPE_INSTANCE);
    }

    void start(std::function<void(ControlStream)> handler) {
        handler_ = std::move(handler);
        wait_for_client();
    }

    void stop() noexcept {
        handler_ = nullptr;
        boost::system::error_code ignored;
        next_.close(ignored);
        pause_.cancel(ignored);
    }

private:
    // The one that the next client gets.
    void make_instance(DWORD flags) {
        Handle pipe{CreateNamedPipeW(path_.c_str(), PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | flags,
                                     PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_REJECT_REMOTE_CLIENTS,
                                     PIPE_UNLIMITED_INSTANCES, buffer_bytes, buffer_bytes, 0,
                                     security_.get())};
        if (!pipe) {
            throw failed("cannot make a control pipe");
        }
        next_.assign(pipe.get());
        pipe.release();
    }

    void wait_for_client() {
        asio::windows::overlapped_ptr operation(
            next_.get_executor(), [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                if (self->handler_) {
                    self->on_client(error);
                }
            });
        auto const done = ConnectNamedPipe(next_.native_handle(), operation.get());
        auto const error = done != 0 ? ERROR_SUCCESS : GetLastError();
        if (error == ERROR_IO_PENDING) {
            operation.release();
        } else {
            operation.complete({error == ERROR_PIPE_CONNECTED ? 0 : static_cast<int>(error),
                                boost::system::system_category()},
                               0);
        }
    }

    void on_client(boost::system::error_code error) {
        auto client = std::move(next_);
        next_ = ControlStream(pause_.get_executor());
        try {
            make_instance(0);
        } catch (Failure const&) { // out of memory, most likely: do not spin
            pause_.expires_after(std::chrono::milliseconds(200));
            pause_.async_wait([self = shared_from_this()](boost::system::error_code) {
                if (self->handler_) {
                    self->on_client(asio::error::no_memory);
                }
            });
            return;
        }
        if (!error) {
            handler_(std::move(client));
        }
        if (handler_) {
            wait_for_client();
        }
    }

    std::wstring path_;
    PrivateSecurity security_;
    ControlStream next_;
    asio::steady_timer pause_;
    std::function<void(ControlStream)> handler_;
};

class PipeListener : public ControlListener {
public:
    PipeListener(std::shared_ptr<Acceptor> acceptor, std::filesystem::path path)
        : acceptor_(std::move(acceptor)), path_(std::move(path)) {}
    ~PipeListener() override {
        DeleteFileW(path_.c_str());
        acceptor_->stop();
    }
    PipeListener(PipeListener const&) = delete;
    PipeListener& operator=(PipeListener const&) = delete;

    void accept(std::function<void(ControlStream)> handler) override { acceptor_->start(std::move(handler)); }

private:
    std::shared_ptr<Acceptor> acceptor_;
    std::filesystem::path path_;
};

// Empty unless the file holds a name of ours: it may be anything that somebody put there.
std::string read_name(std::filesystem::path const& path) {
    std::ifstream stream(path);
    std::string name;
    stream >> name;
    bool const good = name.starts_with(name_prefix) && name.size() < 64 &&
                      name.find_first_not_of("coop-0123456789abcdef") == std::string::npos;
    return good ? name : std::string();
}

} // namespace

std::unique_ptr<ControlListener> ControlListener::create(asio::io_context& io,
                                                         std::filesystem::path const& path) {
    auto const name = random_name();
    auto acceptor = std::make_shared<Acceptor>(io, name);
    DeleteFileW(path.c_str());
    {
        std::ofstream stream(path, std::ios::trunc);
        stream << name << '\n';
        if (!stream.flush()) {
            throw Failure(ExitCode::failure, fmt::format("cannot write {}", path.string()));
        }
    }
    return std::make_unique<PipeListener>(std::move(acceptor), path);
}

ControlStream connect_control(asio::io_context& io, std::filesystem::path const& path) {
    auto const fail = [&](DWORD error) {
        return Failure(ExitCode::no_guest,
                       fmt::format("cannot reach {}: {}", path.string(), error_text(error)));
    };
    auto const name = read_name(path);
    if (name.empty()) {
        throw fail(ERROR_FILE_NOT_FOUND);
    }
    auto const pipe_name = pipe_path(name);
    constexpr int attempts = 20;
    constexpr DWORD wait_ms = 100;
    for (int attempt = 1;; ++attempt) {
        // Whoever is at the other end learns nothing of us but that we called.
        Handle pipe{CreateFileW(pipe_name.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                                FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION,
                                nullptr)};
        if (pipe) {
            ControlStream stream(io);
            stream.assign(pipe.get());
            pipe.release();
            return stream;
        }
        auto const error = GetLastError();
        if (error != ERROR_PIPE_BUSY || attempt == attempts) {
            throw fail(error);
        }
        WaitNamedPipeW(pipe_name.c_str(), wait_ms);
    }
}

} // namespace coop::ctl
