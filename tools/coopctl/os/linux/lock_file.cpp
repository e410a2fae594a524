// SPDX-License-Identifier: GPL-2.0-only
// Lock file by an open-file-description lock: unlike flock it can be asked about without taking it, unlike a
// classic record lock it does not vanish when the process closes another descriptor of the file.
#include "os/lock_file.hpp"

#include "devices/file_descriptor_posix.hpp"
#include "failure.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

namespace coop::ctl {

namespace {

class LinuxLockFile : public LockFile {
public:
    LinuxLockFile(std::filesystem::path path, FileDescriptor file)
        : path_(std::move(path)), file_(std::move(file)) {}
    ~LinuxLockFile() override { unlink(path_.c_str()); }
    LinuxLockFile(LinuxLockFile const&) = delete;
    LinuxLockFile& operator=(LinuxLockFile const&) = delete;

private:
    std::filesystem::path path_;
    FileDescriptor file_;
};

struct flock whole_file(short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

[[noreturn]] void fail(std::filesystem::path const& path) {
    throw Failure(ExitCode::failure, fmt::format("cannot lock {}: {}", path.string(), std::strerror(errno)));
}

// The holder before us removes the file when it ends: a lock on a file that has no name any more is worth
// nothing.
bool still_named(std::filesystem::path const& path, int file) {
    struct stat by_name {
    }, by_file{};
    return stat(path.c_str(), &by_name) == 0 && fstat(file, &by_file) == 0 &&
           by_name.st_ino == by_file.st_ino && by_name.st_dev == by_file.st_dev;
}

} // namespace

std::unique_ptr<LockFile> LockFile::try_lock(std::filesystem::path const& path) {
    for (;;) {
        FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (file.get() < 0) {
            fail(path);
        }
        auto lock = whole_file(F_WRLCK);
        if (fcntl(file.get(), F_OFD_SETLK, &lock) != 0) {
            if (errno == EAGAIN || errno == EACCES) {
                return nullptr;
            }
            fail(path);
        }
        if (!still_named(path, file.get())) {
            continue;
        }
        auto const text = fmt::format("{}\n", getpid());
        if (ftruncate(file.get(), 0) != 0 ||
            write(file.get(), text.data(), text.size()) != ssize_t(text.size())) {
            fail(path);
        }
        return std::make_unique<LinuxLockFile>(path, std::move(file));
    }
}

std::optional<std::int64_t> LockFile::holder(std::filesystem::path const& path) {
    FileDescriptor const file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    auto lock = whole_file(F_WRLCK);
    lock.l_type = F_RDLCK; // the descriptor is read-only; any write lock of another conflicts
    if (file.get() < 0 || fcntl(file.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) {
        return std::nullopt;
    }
    char text[24];
    auto const size = read(file.get(), text, sizeof text);
    std::int64_t process = 0;
    if (size > 0) {
        std::from_chars(text, text + size, process);
    }
    return process; // 0 in the instant between lock and write
}

} // namespace coop::ctl
