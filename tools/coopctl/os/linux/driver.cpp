// SPDX-License-Identifier: GPL-2.0-only
// /dev/coop: ioctl, mmap and eventfd.
#include "os/driver.hpp"

#include "devices/file_descriptor_posix.hpp"
#include "os/process.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/ioctl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

namespace coop::ctl {

namespace {

constexpr char const* device_path = "/dev/coop";

template <typename T>
int request(int device, coop_request number, T& data) {
    return ioctl(device,
                 _IOC(_IOC_READ | _IOC_WRITE, COOP_IOCTL_TYPE, static_cast<unsigned>(number), sizeof(T)),
                 &data);
}

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

// The asynchronous read outlives the Watch by one completion, so its state is shared.
class EventReader : public std::enable_shared_from_this<EventReader> {
public:
    EventReader(boost::asio::io_context& io, int descriptor, std::function<void()> handler)
        : stream_(io, descriptor), handler_(std::move(handler)) {}

    int descriptor() { return stream_.native_handle(); }

    void read() {
        stream_.async_read_some(boost::asio::buffer(count_),
                                [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                                    if (!error && self->handler_) {
                                        auto const handler = self->handler_;
                                        handler();
                                        if (self->handler_) {
                                            self->read();
                                        }
                                    }
                                });
    }

    void stop() {
        handler_ = nullptr;
        boost::system::error_code ignored;
        stream_.close(ignored);
    }

private:
    boost::asio::posix::stream_descriptor stream_;
    std::function<void()> handler_;
    std::array<std::byte, sizeof(std::uint64_t)> count_{};
};

class EventWatch : public Watch {
public:
    EventWatch(int device, coop_notifier_request where, std::shared_ptr<EventReader> reader)
        : device_(device), where_(where), reader_(std::move(reader)) {}
    ~EventWatch() override {
        where_.handle = ~std::uint64_t{0};
        request(device_, COOP_REQUEST_NOTIFIER, where_); // refused once started: then it goes with the guest
        reader_->stop();
    }
    EventWatch(EventWatch const&) = delete;
    EventWatch& operator=(EventWatch const&) = delete;

private:
    int device_;
    coop_notifier_request where_;
    std::shared_ptr<EventReader> reader_;
};

class LinuxDriver : public Driver {
public:
    explicit LinuxDriver(FileDescriptor device) : device_(std::move(device)) {}

    coop_version version() override {
        auto data = call<coop_version>(COOP_REQUEST_VERSION, {});
        data.build[sizeof data.build - 1] = '\0';
        return data;
    }
    coop_host_info host() override { return call<coop_host_info>(COOP_REQUEST_HOST, {}); }
    void create(coop_create const& data) override { call(COOP_REQUEST_CREATE, data); }
    void start(coop_start const& data) override { call(COOP_REQUEST_START, data); }
    void interrupt(unsigned device) override { call(COOP_REQUEST_INTERRUPT, coop_interrupt{device, 0}); }
    coop_stats stats() override { return call<coop_stats>(COOP_REQUEST_STATS, {}); }
    void event(std::uint64_t bits) override { call(COOP_REQUEST_EVENT, coop_event{bits}); }
    void end(unsigned reason) override { call(COOP_REQUEST_END, coop_end{reason, 0}); }

    std::vector<coop_extent> extents() override {
        std::vector<coop_extent> array(64);
        for (;;) {
            coop_extents data{reinterpret_cast<std::uintptr_t>(array.data()),
                              static_cast<coop_u32>(array.size()), 0};
            data = call(COOP_REQUEST_EXTENTS, data);
            bool const complete = data.count <= array.size();
            array.resize(data.count);
            if (complete) {
                return array;
            }
        }
    }

    std::unique_ptr<Mapping> map(std::vector<coop_extent> const& extents) override {
        return std::make_unique<LinuxMapping>(device_.get(), extents);
    }

    bool run(coop_run& data) override {
        if (request(device_.get(), COOP_REQUEST_RUN, data) == 0) {
            return true;
        }
        if (errno == EINTR) {
            return false;
        }
        throw DriverError(COOP_REQUEST_RUN, errno);
    }

    std::unique_ptr<Watch> watch(boost::asio::io_context& io, unsigned device, unsigned queue,
                                 std::function<void()> handler) override {
        FileDescriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (event.get() < 0) {
            throw DriverError(COOP_REQUEST_NOTIFIER, errno);
        }
        auto reader = std::make_shared<EventReader>(io, event.get(), std::move(handler));
        event.release();
        coop_notifier_request where{device, queue, static_cast<coop_u64>(reader->descriptor())};
        call(COOP_REQUEST_NOTIFIER, where);
        auto result = std::make_unique<EventWatch>(device_.get(), where, reader);
        reader->read();
        return result;
    }

    std::string log(std::uint64_t& position) override {
        std::string data(65536, '\0');
        coop_log request{position, reinterpret_cast<std::uintptr_t>(data.data()),
                         static_cast<coop_u32>(data.size()), 0};
        request = call(COOP_REQUEST_LOG, request);
        position = request.position;
        data.resize(std::min<std::size_t>(request.count, data.size()));
        return data;
    }

private:
    template <typename T>
    T call(coop_request number, T data) {
        while (request(device_.get(), number, data) != 0) {
            if (errno != EINTR) {
                throw DriverError(number, errno);
            }
        }
        return data;
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
