// SPDX-License-Identifier: GPL-2.0-only
// The command agent of an NT host: tests/integration/agent/agent.py describes the protocol, which comes by a
// serial port here. A command is a command line for CreateProcess; "tty", "resize" and signals other than 9
// are not for NT. It asks all that it waits for in turn, since the port can read or write, not both, and
// pipes cannot be waited for at all.
// Without a console: nobody sees it.
#include "control/base64.hpp"
#include "os/windows/text.hpp"

#include <array>
#include <fmt/format.h>
#include <fmt/xchar.h>
#include <list>
#include <nlohmann/json.hpp>
#include <string>

namespace {

using coop::Handle;
using coop::ctl::failed;
using nlohmann::json;

constexpr int ports = 4;
constexpr DWORD pause_ms = 10;
constexpr DWORD pipe_bytes = 65536;
constexpr DWORD status_killed = 128 + 9;

class Port {
public:
    // The first that can be opened: the kernel's debugger has another, and which name is whose depends.
    Port() {
        for (int number = 1; !handle_ && number <= ports; ++number) {
            handle_.reset(CreateFileW(fmt::format(LR"(\\.\COM{})", number).c_str(),
                                      GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING, 0, nullptr));
        }
        DCB settings{};
        settings.DCBlength = sizeof settings;
        if (!handle_ || GetCommState(handle_.get(), &settings) == 0) {
            throw failed("cannot open a serial port");
        }
        settings.BaudRate = CBR_115200;
        settings.ByteSize = 8;
        settings.Parity = NOPARITY;
        settings.StopBits = ONESTOPBIT;
        // A read returns what is there.
        COMMTIMEOUTS timeouts{MAXDWORD, 0, 0, 0, 0};
        SetupComm(handle_.get(), pipe_bytes, pipe_bytes);
        if (SetCommState(handle_.get(), &settings) == 0 || SetCommTimeouts(handle_.get(), &timeouts) == 0) {
            throw failed("cannot set up the serial port");
        }
    }

    std::string read() {
        std::array<char, 512> buffer;
        DWORD count = 0;
        ReadFile(handle_.get(), buffer.data(), buffer.size(), &count, nullptr);
        return {buffer.data(), count};
    }

    void send(json const& message) {
        auto const line = message.dump() + "\n";
        std::string_view left = line;
        while (!left.empty()) {
            DWORD count = 0;
            if (WriteFile(handle_.get(), left.data(), static_cast<DWORD>(left.size()), &count, nullptr) ==
                0) {
                throw failed("cannot write to the port");
            }
            left.remove_prefix(count);
        }
    }

private:
    Handle handle_;
};

class Job {
public:
    explicit Job(json const& message) : id_(message.at("id")) {
        Handle input, output, errors;
        make_pipe(input, input_, false);
        make_pipe(outputs_[0], output, true);
        make_pipe(outputs_[1], errors, true);
        STARTUPINFOW start{};
        start.cb = sizeof start;
        start.dwFlags = STARTF_USESTDHANDLES;
        start.hStdInput = input.get();
        start.hStdOutput = output.get();
        start.hStdError = errors.get();
        auto line = coop::ctl::to_wide(message.at("command").get<std::string>());
        PROCESS_INFORMATION process{};
        if (CreateProcessW(nullptr, line.data(), nullptr, nullptr, TRUE, DETACHED_PROCESS, nullptr, nullptr,
                           &start, &process) == 0) {
            throw failed("cannot start it");
        }
        CloseHandle(process.hThread);
        process_.reset(process.hProcess);
    }

    int id() const { return id_; }

    void input(std::string_view data) {
        DWORD count = 0;
        WriteFile(input_.get(), data.data(), static_cast<DWORD>(data.size()), &count, nullptr);
    }
    void end_of_input() { input_.reset(); }
    void kill() { TerminateProcess(process_.get(), status_killed); }

    // Sends what has been written, and the status if that was all; whether it was.
    bool report(Port& port, bool& busy) {
        bool const ended = WaitForSingleObject(process_.get(), 0) == WAIT_OBJECT_0;
        for (int stream : {1, 2}) {
            while (send_output(port, stream)) {
                busy = true;
            }
        }
        if (ended) {
            DWORD status = 0;
            GetExitCodeProcess(process_.get(), &status);
            port.send({{"id", id_}, {"op", "exit"}, {"status", status}});
        }
        return ended;
    }

private:
    // Only the child's end can be inherited.
    static void make_pipe(Handle& read, Handle& write, bool child_writes) {
        HANDLE ends[2];
        if (CreatePipe(&ends[0], &ends[1], nullptr, pipe_bytes) == 0) {
            throw failed("cannot make a pipe");
        }
        read.reset(ends[0]);
        write.reset(ends[1]);
        SetHandleInformation(ends[child_writes ? 1 : 0], HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    }

    bool send_output(Port& port, int stream) {
        HANDLE const pipe = outputs_[stream - 1].get();
        std::array<char, 4096> buffer;
        DWORD count = 0;
        if (PeekNamedPipe(pipe, nullptr, 0, nullptr, &count, nullptr) == 0 || count == 0 ||
            ReadFile(pipe, buffer.data(), buffer.size(), &count, nullptr) == 0) {
            return false;
        }
        port.send({{"id", id_},
                   {"op", "output"},
                   {"stream", stream},
                   {"data", coop::ctl::base64_encode(std::as_bytes(std::span(buffer.data(), count)))}});
        return true;
    }

    int id_;
    Handle process_;
    Handle input_;
    std::array<Handle, 2> outputs_;
};

class Agent {
public:
    Agent() { port_.send({{"op", "ready"}}); }

    [[noreturn]] void run() {
        for (;;) {
            bool busy = read_port();
            for (auto job = jobs_.begin(); job != jobs_.end();) {
                job = job->report(port_, busy) ? jobs_.erase(job) : std::next(job);
            }
            if (!busy) {
                Sleep(pause_ms);
            }
        }
    }

private:
    bool read_port() {
        auto const text = port_.read();
        pending_ += text;
        for (std::size_t end; (end = pending_.find('\n')) != std::string::npos; pending_.erase(0, end + 1)) {
            handle(json::parse(pending_.substr(0, end)));
        }
        return !text.empty();
    }

    void handle(json const& message) {
        auto const& op = message.at("op");
        if (op == "run") {
            run_job(message);
            return;
        }
        for (auto& job : jobs_) { // none, if it has ended meanwhile
            if (job.id() != message.at("id")) {
                continue;
            }
            if (op == "input") {
                job.input(coop::ctl::base64_decode(message.at("data").get<std::string>()).value());
            } else if (op == "eof") {
                job.end_of_input();
            } else if (op == "signal" && message.at("signal") == 9) {
                job.kill();
            }
        }
    }

    void run_job(json const& message) {
        try {
            jobs_.emplace_back(message);
        } catch (coop::ctl::Failure const& failure) {
            auto const text = fmt::format("agent: {}\n", failure.what());
            port_.send({{"id", message.at("id")},
                        {"op", "output"},
                        {"stream", 2},
                        {"data", coop::ctl::base64_encode(std::as_bytes(std::span(text)))}});
            port_.send({{"id", message.at("id")}, {"op", "exit"}, {"status", 127}});
        }
    }

    Port port_;
    std::list<Job> jobs_;
    std::string pending_;
};

} // namespace

int main() {
    try {
        Agent().run();
    } catch (std::exception const& error) {
        OutputDebugStringA(fmt::format("agent: {}\n", error.what()).c_str());
        return 1;
    }
}
