// SPDX-License-Identifier: GPL-2.0-only
// posix_spawn, directories and signals.
#include "os/process.hpp"

#include "devices/file_descriptor_posix.hpp"
#include "failure.hpp"
#include "os/piped_child.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coop::ctl {

namespace {

[[noreturn]] void fail(std::string const& what, int error) {
    throw Failure(ExitCode::failure, fmt::format("{}: {}", what, std::strerror(error)));
}

struct Pipe {
    Pipe() {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) {
            fail("cannot make a pipe", errno);
        }
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
    FileDescriptor read;
    FileDescriptor write;
};

class LinuxChild : public PipedChild {
public:
    LinuxChild(pid_t id, FileDescriptor input, FileDescriptor output)
        : id_(id), input_(std::move(input)), output_(std::move(output)) {}

    std::int64_t id() const override { return id_; }

private:
    std::size_t write(std::string_view data) override {
        for (;;) {
            auto const count = ::write(input_.get(), data.data(), data.size());
            if (count >= 0 || errno != EINTR) {
                return static_cast<std::size_t>(std::max<ssize_t>(count, 0));
            }
        }
    }

    void close_input() override { input_.reset(); }

    Read wait(unsigned milliseconds) override {
        pollfd poll_for{output_.get(), POLLIN, 0};
        int const ready = poll(&poll_for, 1, static_cast<int>(milliseconds));
        // A signal counts as a timeout: the caller looks at the clock anyway.
        return ready > 0 ? Read::data : Read::timeout;
    }

    std::size_t read(std::span<char> buffer) override {
        return static_cast<std::size_t>(
            std::max<ssize_t>(::read(output_.get(), buffer.data(), buffer.size()), 0));
    }

    pid_t id_;
    FileDescriptor input_;
    FileDescriptor output_;
};

struct SpawnSettings {
    SpawnSettings(int input, int output, Child::Errors errors) {
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        if (errors == Child::Errors::with_output) {
            posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
        } else {
            posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        }
        // Of the caller's own descriptors none: it may wait for their end, or want to unmount what they are
        // on.
        posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        posix_spawn_file_actions_addchdir_np(&actions, "/");
        posix_spawnattr_init(&attributes);
        sigset_t none, defaults;
        sigemptyset(&none);
        sigfillset(&defaults);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &defaults);
        posix_spawnattr_setflags(&attributes,
                                 POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    ~SpawnSettings() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
    SpawnSettings(SpawnSettings const&) = delete;
    SpawnSettings& operator=(SpawnSettings const&) = delete;

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
};

} // namespace

std::vector<std::string> begin_process(int count, char** words) {
    return {words + std::min(count, 1), words + count};
}

std::int64_t own_process_id() {
    return getpid();
}

bool is_administrator() {
    return geteuid() == 0;
}

std::filesystem::path default_runtime_directory() {
    return "/run/coop";
}

void make_private_directory(std::filesystem::path const& directory) {
    if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
        fail(fmt::format("cannot make {}", directory.string()), errno);
    }
    struct stat info {};
    if (lstat(directory.c_str(), &info) != 0) {
        fail(fmt::format("cannot use {}", directory.string()), errno);
    }
    if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 077) != 0) {
        throw Failure(ExitCode::failure,
                      fmt::format("{} is not a private directory of this user", directory.string()),
                      "it must be a directory of mode 0700 that belongs to the user who runs coopctl");
    }
}

std::unique_ptr<Child> spawn_self(std::vector<std::string> const& arguments, Child::Errors errors) {
    Pipe input, output;
    SpawnSettings const settings(input.read.get(), output.write.get(), errors);
    std::vector<char*> pointers;
    pointers.reserve(arguments.size() + 1);
    for (auto const& argument : arguments) {
        pointers.push_back(const_cast<char*>(argument.c_str()));
    }
    pointers.push_back(nullptr);
    pid_t child = 0;
    int const error = posix_spawn(&child, "/proc/self/exe", &settings.actions, &settings.attributes,
                                  pointers.data(), environ);
    if (error != 0) {
        fail("cannot start the guest's process", error);
    }
    return std::make_unique<LinuxChild>(child, std::move(input.write), std::move(output.read));
}

void drop_standard_streams() {
    FileDescriptor const null(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (null.get() >= 0) {
        dup2(null.get(), STDIN_FILENO);
        dup2(null.get(), STDOUT_FILENO);
        dup2(null.get(), STDERR_FILENO);
    }
}

void name_this_thread(std::string const& name) {
    pthread_setname_np(pthread_self(), name.c_str());
}

void ignore_broken_pipes() {
    std::signal(SIGPIPE, SIG_IGN);
}

void block_signals_on_this_thread() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

} // namespace coop::ctl
