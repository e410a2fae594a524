// SPDX-License-Identifier: GPL-2.0-only
// BlockFile on POSIX systems, with Linux's fallocate where it exists.
#include "devices/block_file.hpp"
#include "devices/file_descriptor_posix.hpp"
#include "devices/loop_device_posix.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace coop {
namespace {

constexpr std::uint64_t sector_bytes = 512;
constexpr std::size_t zeroes_bytes = 64ull * 1024;
// O_NONBLOCK: opening a FIFO by mistake must not hang; it means nothing to what is accepted.
constexpr int common_flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

#ifdef F_OFD_SETLK
constexpr int lock_command = F_OFD_SETLK;
#else
constexpr int lock_command =
    F_SETLK; // of the process, not of the open file: no protection within one process
#endif

std::error_code last_error() {
    return {errno, std::generic_category()};
}

// What the range is to become; it reads as zeroes either way.
#ifdef FALLOC_FL_PUNCH_HOLE
enum class Range : int { hole = FALLOC_FL_PUNCH_HOLE, zeroes = FALLOC_FL_ZERO_RANGE };
#else
enum class Range { hole, zeroes };
#endif

// By the file system or the disk itself, where it can.
std::error_code make(Range what, int fd, std::uint64_t offset, std::uint64_t bytes) {
#ifdef FALLOC_FL_PUNCH_HOLE
    int result = 0;
    do {
        result = ::fallocate(fd, static_cast<int>(what) | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                             static_cast<off_t>(bytes));
    } while (result != 0 && errno == EINTR);
    return result == 0 ? std::error_code{} : last_error();
#else
    (void)what, (void)fd, (void)offset, (void)bytes;
    return std::make_error_code(std::errc::operation_not_supported);
#endif
}

// At all, or for this range: disks want whole sectors of their own.
bool cannot(std::error_code error) {
    return error == std::errc::operation_not_supported || error == std::errc::invalid_argument;
}

class PosixBlockFile : public BlockFile {
public:
    PosixBlockFile(std::unique_ptr<FileDescriptor> file, std::uint64_t size, bool read_only, bool can_discard)
        : file_{std::move(file)}, size_{size}, read_only_{read_only}, can_discard_{can_discard} {}

    std::uint64_t size() const override { return size_; }
    bool read_only() const override { return read_only_; }
    bool can_discard() const override { return can_discard_; }

    std::error_code read(std::uint64_t offset, std::span<std::span<std::byte> const> buffers) override {
        return transfer(::preadv, offset, buffers);
    }

    std::error_code write(std::uint64_t offset,
                          std::span<std::span<std::byte const> const> buffers) override {
        return transfer(::pwritev, offset, buffers);
    }

    std::error_code flush() override {
        int result = 0;
        do {
            result = ::fdatasync(file_->get());
        } while (result != 0 && errno == EINTR);
        return result == 0 ? std::error_code{} : last_error();
    }

    std::error_code discard(std::uint64_t offset, std::uint64_t bytes) override {
        auto const error = make(Range::hole, file_->get(), offset, bytes);
        // A discard is advice: where the file system has no holes there is nothing to do.
        return error == std::errc::operation_not_supported ? std::error_code{} : error;
    }

    std::error_code write_zeroes(std::uint64_t offset, std::uint64_t bytes, bool may_discard) override {
        auto error = make(may_discard ? Range::hole : Range::zeroes, file_->get(), offset, bytes);
        if (may_discard && cannot(error)) {
            error = make(Range::zeroes, file_->get(), offset, bytes);
        }
        if (!cannot(error)) {
            return error;
        }
        static std::array<std::byte, zeroes_bytes> const zeroes{};
        while (bytes > 0) {
            std::array const piece{
                std::span<std::byte const>{zeroes}.first(std::min<std::uint64_t>(bytes, zeroes_bytes))};
            error = write(offset, piece);
            if (error) {
                return error;
            }
            offset += piece[0].size();
            bytes -= piece[0].size();
        }
        return {};
    }

private:
    template <typename Call, typename Byte>
    std::error_code transfer(Call call, std::uint64_t offset, std::span<std::span<Byte> const> buffers) {
        std::vector<iovec> vectors;
        for (auto const buffer : buffers) {
            if (!buffer.empty()) {
                vectors.push_back({const_cast<std::byte*>(buffer.data()), buffer.size()});
            }
        }
        std::span<iovec> left{vectors};
        while (!left.empty()) {
            auto const count = static_cast<int>(std::min<std::size_t>(left.size(), IOV_MAX));
            auto const moved = call(file_->get(), left.data(), count, static_cast<off_t>(offset));
            if (moved < 0 && errno == EINTR) {
                continue;
            }
            if (moved <= 0) { // nothing at all: the file was cut short behind our back
                return moved < 0 ? last_error() : std::make_error_code(std::errc::io_error);
            }
            offset += static_cast<std::uint64_t>(moved);
            skip(left, static_cast<std::size_t>(moved));
        }
        return {};
    }

    static void skip(std::span<iovec>& vectors, std::size_t bytes) {
        while (bytes > 0) {
            iovec& first = vectors.front();
            auto const here = std::min(bytes, first.iov_len);
            first.iov_base = static_cast<std::byte*>(first.iov_base) + here;
            first.iov_len -= here;
            bytes -= here;
            if (first.iov_len == 0) {
                vectors = vectors.subspan(1);
            }
        }
    }

    std::unique_ptr<FileDescriptor> file_;
    std::uint64_t const size_;
    bool const read_only_;
    bool const can_discard_;
};

Expected<void> lock(int fd, std::string const& path, bool read_only) {
    struct flock range {};
    range.l_type = static_cast<short>(read_only ? F_RDLCK : F_WRLCK);
    range.l_whence = SEEK_SET; // length 0: to the end, wherever that is
    if (::fcntl(fd, lock_command, &range) == 0) {
        return {};
    }
    if (errno == EAGAIN || errno == EACCES) {
        return Failure{fmt::format("disk image '{}' is in use{}", path, read_only ? " for writing" : ""),
                       "stop its user, or give each guest its own image"};
    }
    return Failure{fmt::format("cannot lock disk image '{}': {}", path, std::strerror(errno)),
                   "move it to a file system with locks"};
}

// A block device for us alone. Linux: O_EXCL without O_CREAT claims it, as a mount, swap or a volume manager
// does, and so is refused while one of those has it: two writers of one file system destroy it.
Expected<std::unique_ptr<FileDescriptor>> claim(std::string const& path, dev_t device) {
    auto file = std::make_unique<FileDescriptor>(::open(path.c_str(), common_flags | O_RDWR | O_EXCL));
    if (file->get() < 0 && errno == EBUSY) {
        return Failure{fmt::format("disk '{}' is in use by the host (mounted?)", path),
                       "unmount it first (`lsblk` shows what has it), or give the guest another disk"};
    }
    struct stat status {};
    if (file->get() < 0 || ::fstat(file->get(), &status) != 0) {
        return Failure{fmt::format("cannot open disk '{}' for writing: {}", path, std::strerror(errno))};
    }
    if (!S_ISBLK(status.st_mode) || status.st_rdev != device) {
        return Failure{fmt::format("disk '{}' changed while it was opened", path), "try again"};
    }
    return file;
}

} // namespace

Expected<std::shared_ptr<BlockFile>> BlockFile::open(std::string const& path, bool read_only) {
    int const flags = (read_only ? O_RDONLY : O_RDWR) | common_flags;
    auto file = std::make_unique<FileDescriptor>(::open(path.c_str(), flags));
    if (file->get() < 0) {
        bool const only_readable = !read_only && (errno == EACCES || errno == EROFS);
        return Failure{fmt::format("cannot open disk image '{}' for {}: {}", path,
                                   read_only ? "reading" : "writing", std::strerror(errno)),
                       only_readable ? "make it writable, or use it readonly"
                                     : "name an image that exists: none is created"};
    }
    struct stat status {};
    if (::fstat(file->get(), &status) != 0) {
        return Failure{fmt::format("cannot examine disk image '{}': {}", path, std::strerror(errno))};
    }
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
        return Failure{fmt::format("disk image '{}' is neither a regular file nor a block device", path),
                       "name one"};
    }
    if (S_ISBLK(status.st_mode) && !read_only) {
        if (auto claimed = claim(path, status.st_rdev); claimed) {
            file = std::move(claimed).value();
        } else {
            return claimed.error();
        }
    }
    // lseek, since st_size of a block device is 0.
    off_t const end = ::lseek(file->get(), 0, SEEK_END);
    if (end < 0) {
        return Failure{
            fmt::format("cannot find the size of disk image '{}': {}", path, std::strerror(errno))};
    }
    auto const size = static_cast<std::uint64_t>(end);
    if (size == 0 || size % sector_bytes != 0) {
        return Failure{fmt::format("disk image '{}' has {} bytes, not a nonzero multiple of {}", path, size,
                                   sector_bytes),
                       "use a raw image, or extend it with truncate"};
    }
    if (auto locked = lock(file->get(), path, read_only); !locked) {
        return locked.error();
    }
    if (auto const loop = read_only ? "" : loop_device_over(status); !loop.empty()) {
        return Failure{fmt::format("disk image '{}' is in use by the host as {} (mounted?)", path, loop),
                       fmt::format("unmount it and `losetup -d {}`, or use it readonly", loop)};
    }
    // Asked at the end of the file, where there is nothing to lose. Not for block devices, which refuse that
    // range.
    bool const can_discard =
        !read_only && S_ISREG(status.st_mode) && !make(Range::hole, file->get(), size, sector_bytes);
    return std::shared_ptr<BlockFile>{
        std::make_shared<PosixBlockFile>(std::move(file), size, read_only, can_discard)};
}

} // namespace coop
