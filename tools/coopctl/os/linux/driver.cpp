// SPDX-License-Identifier: GPL-2.0-only
// /dev/coop: ioctl, mmap and eventfd.
#include "os/system_driver.hpp"

#include "devices/file_descriptor_posix.hpp"
#include "os/process.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/ioctl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

namespace coop::ctl {

namespace {

constexpr char const* device_path = "/dev/coop";

// RAM is dense in map offsets, so one mapping shows it all: mappings of the device do not merge, and a
// process has 65530.
class LinuxMapping : public Mapping {
public:
    LinuxMapping(int device, std::vector<coop_extent> const& extents) {
        for (auto const& extent : extents) {
            offsets_.push_back(extent.map_offset);
            bytes_ += extent.size;
        }
        base_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
        if (base_ == MAP_FAILED) {
            throw DriverError(COOP_REQUEST_EXTENTS, errno);
        }
    }
    ~LinuxMapping() override { munmap(base_, bytes_); }
    LinuxMapping(LinuxMapping const&) = delete;
    LinuxMapping& operator=(LinuxMapping const&) = delete;

    std::byte* base(std::size_t index) const override {
        return static_cast<std::byte*>(base_) + offsets_.at(index);
    }

private:
    void* base_ = nullptr;
    std::size_t bytes_ = 0;
    std::vector<std::uint64_t> offsets_;
};

class EventDescriptor : public HostEvent {
public:
    EventDescriptor(boost::asio::io_context& io, int descriptor) : stream_(io, descriptor) {}

    std::uint64_t handle() override { return static_cast<std::uint64_t>(stream_.native_handle()); }

    void wait(std::function<void(boost::system::error_code)> handler) override {
        stream_.async_read_some(
            boost::asio::buffer(count_),
            [handler = std::move(handler)](boost::system::error_code error, std::size_t) { handler(error); });
    }

private:
    boost::asio::posix::stream_descriptor stream_;
    std::array<std::byte, sizeof(std::uint64_t)> count_{};
};

class LinuxDriver : public SystemDriver {
public:
    explicit LinuxDriver(FileDescriptor device) : device_(std::move(device)) {}

    std::unique_ptr<Mapping> map(std::vector<coop_extent> const& extents) override {
        return std::make_unique<LinuxMapping>(device_.get(), extents);
    }

    bool put(coop_request number, void* data, std::size_t bytes, std::span<std::byte>) override {
        auto const code = _IOC(_IOC_READ | _IOC_WRITE, COOP_IOCTL_TYPE, static_cast<unsigned>(number), bytes);
        if (ioctl(device_.get(), code, data) == 0) {
            return true;
        }
        if (errno == EINTR) {
            return false;
        }
        throw DriverError(number, errno);
    }

private:
    std::uint64_t address(std::byte const* array) const override {
        return reinterpret_cast<std::uintptr_t>(array);
    }

    std::unique_ptr<HostEvent> make_event(boost::asio::io_context& io) override {
        FileDescriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (event.get() < 0) {
            throw DriverError(COOP_REQUEST_NOTIFIER, errno);
        }
        auto result = std::make_unique<EventDescriptor>(io, event.get());
        event.release();
        return result;
    }

    FileDescriptor device_;
};

} // namespace

std::unique_ptr<Driver> open_driver() {
    FileDescriptor device(open(device_path, O_RDWR | O_CLOEXEC));
    if (device.get() >= 0) {
        return std::make_unique<LinuxDriver>(std::move(device));
    }
    throw explain_open(errno, is_administrator());
}

} // namespace coop::ctl
