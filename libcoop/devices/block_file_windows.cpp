// SPDX-License-Identifier: GPL-2.0-only
// BlockFile on NT: image files, and disks and volumes by their device names (\\.\PhysicalDrive1, \\.\D:).
#include "devices/block_file.hpp"

#include "devices/handle_windows.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include <fmt/format.h>
#include <winioctl.h>

namespace coop {
namespace {

constexpr std::uint64_t sector_bytes = 512;
constexpr std::size_t zeroes_bytes = 64ull * 1024;
constexpr std::size_t transfer_most = 1ull << 30; // bytes of one call, whose count has 32 bits

// The C library's words, as on other systems, where it has some for the error.
std::string words(std::error_code error) {
    return error.default_error_condition().message();
}

template <typename Output>
std::error_code ask(HANDLE handle, DWORD code, Output& output) {
    DWORD count = 0;
    return control(handle, code, nullptr, 0, &output, sizeof output, count);
}

std::error_code command(HANDLE handle, DWORD code) {
    DWORD count = 0;
    return control(handle, code, nullptr, 0, nullptr, 0, count);
}

// Gives space back where the file is sparse, else writes; the range reads as zeroes.
std::error_code zero(HANDLE file, std::uint64_t offset, std::uint64_t bytes) {
    FILE_ZERO_DATA_INFORMATION range{};
    range.FileOffset.QuadPart = static_cast<LONGLONG>(offset);
    range.BeyondFinalZero.QuadPart = static_cast<LONGLONG>(offset + bytes);
    DWORD count = 0;
    return control(file, FSCTL_SET_ZERO_DATA, &range, sizeof range, nullptr, 0, count);
}

// Volumes that are taken away from the host for as long as this lives.
using Volumes = std::vector<Handle>;

class WindowsBlockFile : public BlockFile {
public:
    WindowsBlockFile(Handle file, Volumes volumes, std::uint64_t size, bool read_only, bool can_discard)
        : volumes_{std::move(volumes)},
          file_{std::move(file)},
          size_{size},
          read_only_{read_only},
          can_discard_{can_discard} {}

    std::uint64_t size() const override { return size_; }
    bool read_only() const override { return read_only_; }
    bool can_discard() const override { return can_discard_; }

    std::error_code read(std::uint64_t offset, std::span<std::span<std::byte> const> buffers) override {
        return transfer(ReadFile, offset, buffers);
    }

    std::error_code write(std::uint64_t offset,
                          std::span<std::span<std::byte const> const> buffers) override {
        return transfer(WriteFile, offset, buffers);
    }

    std::error_code flush() override {
        // Refused where nothing can have been written.
        return read_only_ || FlushFileBuffers(file_.get()) != 0 ? std::error_code{} : last_windows_error();
    }

    std::error_code discard(std::uint64_t offset, std::uint64_t bytes) override {
        return can_discard_ ? zero(file_.get(), offset, bytes) : std::error_code{}; // advice
    }

    std::error_code write_zeroes(std::uint64_t offset, std::uint64_t bytes, bool may_discard) override {
        if (may_discard && can_discard_) {
            return zero(file_.get(), offset, bytes);
        }
        static std::array<std::byte, zeroes_bytes> const zeroes{};
        while (bytes > 0) {
            std::array const piece{
                std::span<std::byte const>{zeroes}.first(std::min<std::uint64_t>(bytes, zeroes_bytes))};
            if (auto const error = write(offset, piece)) {
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
        for (auto left : buffers) {
            while (!left.empty()) {
                AwaitedOperation operation{offset};
                auto const most = static_cast<DWORD>(std::min(left.size(), transfer_most));
                auto const begun =
                    call(file_.get(), const_cast<std::byte*>(left.data()), most, nullptr, operation.get());
                DWORD moved = 0;
                if (auto const error = operation.finish(file_.get(), begun, moved)) {
                    return error;
                }
                if (moved == 0) { // the file was cut short behind our back
                    return std::make_error_code(std::errc::io_error);
                }
                offset += moved;
                left = left.subspan(moved);
            }
        }
        return {};
    }

    Volumes const volumes_; // given back last
    Handle const file_;
    std::uint64_t const size_;
    bool const read_only_;
    bool const can_discard_;
};

// Takes a volume away from the host, which must have no file of it open: two writers of one file system
// destroy it. It comes back when the handle is closed.
Expected<void> claim(HANDLE volume, std::string const& path) {
    if (command(volume, FSCTL_LOCK_VOLUME)) {
        return Failure{
            fmt::format("disk '{}' is in use by the host", path),
            "close what uses it (its own system disk cannot be given away), or give the guest another disk"};
    }
    if (auto const error = command(volume, FSCTL_DISMOUNT_VOLUME)) {
        return Failure{fmt::format("cannot take disk '{}' from the host: {}", path, words(error))};
    }
    (void)command(volume,
                  FSCTL_ALLOW_EXTENDED_DASD_IO); // the last sectors, which the file system did not use
    return {};
}

bool is_on_disk(HANDLE volume, DWORD disk) {
    union {
        VOLUME_DISK_EXTENTS extents;
        std::array<std::byte, 4096> room;
    } answer{};
    if (ask(volume, IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS, answer)) {
        return false;
    }
    auto const* const first = answer.extents.Extents;
    return std::any_of(first, first + answer.extents.NumberOfDiskExtents,
                       [disk](DISK_EXTENT const& extent) { return extent.DiskNumber == disk; });
}

// All volumes of a whole disk.
Expected<Volumes> claim_volumes_of(HANDLE file, std::string const& path) {
    STORAGE_DEVICE_NUMBER number{};
    if (auto const error = ask(file, IOCTL_STORAGE_GET_DEVICE_NUMBER, number)) {
        return Failure{fmt::format("cannot find the volumes of disk '{}': {}", path, words(error))};
    }
    Volumes claimed;
    std::array<wchar_t, MAX_PATH> name{};
    HANDLE const search = FindFirstVolumeW(name.data(), name.size());
    if (search == INVALID_HANDLE_VALUE) {
        return Failure{
            fmt::format("cannot find the volumes of disk '{}': {}", path, words(last_windows_error()))};
    }
    std::unique_ptr<void, decltype(&FindVolumeClose)> const closer{search, FindVolumeClose};
    do {
        std::wstring device{name.data()};
        device.pop_back(); // with the backslash it names the root directory
        Handle volume{CreateFileW(device.c_str(), GENERIC_READ | GENERIC_WRITE,
                                  FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING,
                                  FILE_FLAG_OVERLAPPED, nullptr)};
        if (volume && is_on_disk(volume.get(), number.DeviceNumber)) {
            if (auto done = claim(volume.get(), path); !done) {
                return done.error();
            }
            claimed.push_back(std::move(volume));
        }
    } while (FindNextVolumeW(search, name.data(), name.size()) != 0);
    return claimed;
}

struct Device {
    Volumes volumes;
    std::uint64_t size;
};

Expected<Device> examine_device(HANDLE file, std::string const& path, bool read_only) {
    GET_LENGTH_INFORMATION length{};
    DISK_GEOMETRY geometry{};
    auto error = ask(file, IOCTL_DISK_GET_LENGTH_INFO, length);
    error = error ? error : ask(file, IOCTL_DISK_GET_DRIVE_GEOMETRY, geometry);
    if (error) {
        return Failure{fmt::format("cannot find the size of disk '{}': {}", path, words(error)),
                       "name an image file, a disk (\\\\.\\PhysicalDrive1) or a volume (\\\\.\\D:)"};
    }
    if (geometry.BytesPerSector != sector_bytes) {
        return Failure{fmt::format("disk '{}' has sectors of {} bytes, guests expect {}", path,
                                   geometry.BytesPerSector, sector_bytes),
                       "use an image file on it"};
    }
    Device device{{}, static_cast<std::uint64_t>(length.Length.QuadPart)};
    if (read_only) {
        return device;
    }
    std::array<std::byte, 4096> ignored{};
    bool const is_volume = !ask(file, IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS, ignored);
    if (is_volume) {
        if (auto done = claim(file, path); !done) {
            return done.error();
        }
    } else if (auto volumes = claim_volumes_of(file, path); volumes) {
        device.volumes = std::move(volumes).value();
    } else {
        return volumes.error();
    }
    return device;
}

bool is_device_name(std::string const& path) {
    return path.starts_with(R"(\\.\)") || path.starts_with(R"(\\?\)");
}

Failure explain_open(std::string const& path, bool read_only, DWORD code) {
    if (code == ERROR_SHARING_VIOLATION) {
        return {fmt::format("disk image '{}' is in use{}", path, read_only ? " for writing" : ""),
                "stop its user, or give each guest its own image"};
    }
    bool const only_readable = !read_only && (code == ERROR_ACCESS_DENIED || code == ERROR_WRITE_PROTECT);
    return {fmt::format("cannot open disk image '{}' for {}: {}", path, read_only ? "reading" : "writing",
                        words(windows_error(code))),
            only_readable ? "make it writable, or use it readonly"
                          : "name an image that exists: none is created"};
}

} // namespace

Expected<std::shared_ptr<BlockFile>> BlockFile::open(std::string const& path, bool read_only) {
    std::filesystem::path const name{path};
    bool const device = is_device_name(path);
    if (auto const attributes = GetFileAttributesW(name.c_str());
        !device && attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
        return Failure{fmt::format("disk image '{}' is neither a regular file nor a disk", path), "name one"};
    }
    // The lock: others may read while we only read. A device is shared with the host until its volumes are
    // claimed.
    DWORD const share = device ? FILE_SHARE_READ | FILE_SHARE_WRITE : read_only ? FILE_SHARE_READ : 0;
    Handle file{CreateFileW(name.c_str(), read_only ? GENERIC_READ : GENERIC_READ | GENERIC_WRITE, share,
                            nullptr, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, nullptr)};
    if (!file) {
        return explain_open(path, read_only, GetLastError());
    }
    if (GetFileType(file.get()) != FILE_TYPE_DISK) {
        return Failure{fmt::format("disk image '{}' is neither a regular file nor a disk", path), "name one"};
    }
    Volumes volumes;
    LARGE_INTEGER size{};
    BY_HANDLE_FILE_INFORMATION info{};
    if (device) {
        auto examined = examine_device(file.get(), path, read_only);
        if (!examined) {
            return examined.error();
        }
        volumes = std::move(examined->volumes);
        size.QuadPart = static_cast<LONGLONG>(examined->size);
    } else if (GetFileSizeEx(file.get(), &size) == 0 || GetFileInformationByHandle(file.get(), &info) == 0) {
        return Failure{fmt::format("cannot examine disk image '{}': {}", path, words(last_windows_error()))};
    }
    auto const bytes = static_cast<std::uint64_t>(size.QuadPart);
    if (bytes == 0 || bytes % sector_bytes != 0) {
        return Failure{fmt::format("disk image '{}' has {} bytes, not a nonzero multiple of {}", path, bytes,
                                   sector_bytes),
                       "use a raw image of whole sectors"};
    }
    bool const can_discard = !read_only && (info.dwFileAttributes & FILE_ATTRIBUTE_SPARSE_FILE) != 0;
    return std::shared_ptr<BlockFile>{std::make_shared<WindowsBlockFile>(std::move(file), std::move(volumes),
                                                                         bytes, read_only, can_discard)};
}

} // namespace coop
