// SPDX-License-Identifier: GPL-2.0-only
// \\.\coop: DeviceIoControl, as coop/ioctl_nt.h has it.
#include "os/driver.hpp"

#include "coop/host.h"
#include "coop/ioctl_nt.h"
#include "os/process.hpp"
#include "os/windows/text.hpp"

#include <algorithm>
#include <boost/asio/windows/object_handle.hpp>
#include <cstring>

namespace coop::ctl {

namespace {

constexpr wchar_t const* device_path = L"\\\\.\\coop";

// The table of coop/ioctl_nt.h. Nothing for an error that is not in it.
int coop_error(DWORD code) {
    switch (code) {
    case ERROR_OPERATION_ABORTED:
        return COOP_E_INTERRUPTED;
    case ERROR_NOT_READY:
        return COOP_E_NO_DEVICE;
    case ERROR_INVALID_BLOCK_LENGTH:
        return COOP_E_TOO_BIG;
    case ERROR_NO_SYSTEM_RESOURCES:
    case ERROR_NOT_ENOUGH_MEMORY:
        return COOP_E_NO_MEMORY;
    case ERROR_BUSY:
        return COOP_E_BUSY;
    case ERROR_ALREADY_EXISTS:
        return COOP_E_EXISTS;
    case ERROR_INVALID_PARAMETER:
        return COOP_E_INVALID;
    case ERROR_NOT_SUPPORTED:
        return COOP_E_NOT_SUPPORTED;
    default:
        return 0;
    }
}

DriverError refused(coop_request request, std::error_code error) {
    auto const code = static_cast<DWORD>(error.value());
    if (auto const known = coop_error(code); known != 0) {
        return {request, known};
    }
    return {request, -1, error_text(code)};
}

template <typename T>
std::error_code request(HANDLE device, unsigned number, T& data) {
    DWORD count = 0;
    return control(device, COOP_NT_CODE(number), &data, sizeof data, &data, sizeof data, count);
}

// A request whose answer has an array behind the structure. Returns how many bytes of it came.
template <typename T>
std::size_t request_array(HANDLE device, coop_request number, T& data, void* array, std::size_t bytes) {
    std::vector<std::byte> answer(sizeof data + bytes);
    DWORD count = 0;
    auto const error = control(device, COOP_NT_CODE(static_cast<unsigned>(number)), &data, sizeof data,
                               answer.data(), static_cast<DWORD>(answer.size()), count);
    if (error) {
        throw refused(number, error);
    }
    if (count < sizeof data) {
        throw DriverError(number, -1, "its answer is too short");
    }
    std::memcpy(&data, answer.data(), sizeof data);
    std::memcpy(array, answer.data() + sizeof data, count - sizeof data);
    return count - sizeof data;
}

// The driver unmaps when the handle is closed, which is after this.
class WindowsMapping : public Mapping {
public:
    WindowsMapping(HANDLE device, std::vector<coop_extent> const& extents) {
        for (auto const& extent : extents) {
            coop_nt_map map{extent.map_offset, 0, 0};
            if (auto const error = request(device, COOP_NT_REQUEST_MAP, map)) {
                throw refused(COOP_REQUEST_EXTENTS, error);
            }
            if (map.size != extent.size) {
                throw DriverError(COOP_REQUEST_EXTENTS, -1, "it maps another size");
            }
            bases_.push_back(reinterpret_cast<std::byte*>(map.address));
        }
    }

    std::byte* base(std::size_t index) const override { return bases_.at(index); }

private:
    std::vector<std::byte*> bases_;
};

// The wait outlives the Watch by one completion, so its state is shared.
class EventWaiter : public std::enable_shared_from_this<EventWaiter> {
public:
    EventWaiter(boost::asio::io_context& io, HANDLE event, std::function<void()> handler)
        : event_(io, event), handler_(std::move(handler)) {}

    HANDLE event() { return event_.native_handle(); }

    void wait() {
        event_.async_wait([self = shared_from_this()](boost::system::error_code error) {
            if (!error && self->handler_) {
                auto const handler = self->handler_;
                handler();
                if (self->handler_) {
                    self->wait();
                }
            }
        });
    }

    void stop() {
        handler_ = nullptr;
        boost::system::error_code ignored;
        event_.close(ignored);
    }

private:
    boost::asio::windows::object_handle event_;
    std::function<void()> handler_;
};

class EventWatch : public Watch {
public:
    EventWatch(HANDLE device, coop_notifier_request where, std::shared_ptr<EventWaiter> waiter)
        : device_(device), where_(where), waiter_(std::move(waiter)) {}
    ~EventWatch() override {
        where_.handle = ~std::uint64_t{0};
        request(device_, COOP_REQUEST_NOTIFIER, where_); // refused once started: then it goes with the guest
        waiter_->stop();
    }
    EventWatch(EventWatch const&) = delete;
    EventWatch& operator=(EventWatch const&) = delete;

private:
    HANDLE device_;
    coop_notifier_request where_;
    std::shared_ptr<EventWaiter> waiter_;
};

class WindowsDriver : public Driver {
public:
    explicit WindowsDriver(Handle device) : device_(std::move(device)) {}

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
            coop_extents data{0, static_cast<coop_u32>(array.size()), 0};
            request_array(device_.get(), COOP_REQUEST_EXTENTS, data, array.data(),
                          array.size() * sizeof array[0]);
            bool const complete = data.count <= array.size();
            array.resize(data.count);
            if (complete) {
                return array;
            }
        }
    }

    std::unique_ptr<Mapping> map(std::vector<coop_extent> const& extents) override {
        return std::make_unique<WindowsMapping>(device_.get(), extents);
    }

    bool run(coop_run& data) override {
        auto const error = request(device_.get(), COOP_REQUEST_RUN, data);
        if (error && error.value() != ERROR_OPERATION_ABORTED) {
            throw refused(COOP_REQUEST_RUN, error);
        }
        return !error;
    }

    std::unique_ptr<Watch> watch(boost::asio::io_context& io, unsigned device, unsigned queue,
                                 std::function<void()> handler) override {
        Handle event{CreateEventW(nullptr, FALSE, FALSE, nullptr)};
        if (!event) {
            throw refused(COOP_REQUEST_NOTIFIER, last_windows_error());
        }
        auto waiter = std::make_shared<EventWaiter>(io, event.get(), std::move(handler));
        event.release();
        coop_notifier_request const where{device, queue, reinterpret_cast<std::uintptr_t>(waiter->event())};
        call(COOP_REQUEST_NOTIFIER, where);
        auto result = std::make_unique<EventWatch>(device_.get(), where, waiter);
        waiter->wait();
        return result;
    }

    std::string log(std::uint64_t& position) override {
        std::string data(65536, '\0');
        coop_log request{position, 0, static_cast<coop_u32>(data.size()), 0};
        auto const bytes = request_array(device_.get(), COOP_REQUEST_LOG, request, data.data(), data.size());
        position = request.position;
        data.resize(std::min<std::size_t>(request.count, bytes));
        return data;
    }

private:
    template <typename T>
    T call(coop_request number, T data) {
        while (auto const error = request(device_.get(), number, data)) {
            if (error.value() != ERROR_OPERATION_ABORTED) {
                throw refused(number, error);
            }
        }
        return data;
    }

    Handle device_;
};

} // namespace

std::unique_ptr<Driver> open_driver() {
    Handle device{CreateFileW(device_path, GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                              FILE_FLAG_OVERLAPPED, nullptr)};
    auto const error = static_cast<int>(GetLastError()); // before anything else replaces it
    if (device) {
        return std::make_unique<WindowsDriver>(std::move(device));
    }
    throw explain_open(error, is_administrator());
}

} // namespace coop::ctl
