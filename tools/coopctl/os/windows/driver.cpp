// SPDX-License-Identifier: GPL-2.0-only
// \\.\coop: DeviceIoControl, as coop/ioctl_nt.h has it.
#include "os/system_driver.hpp"

#include "coop/host.h"
#include "coop/ioctl_nt.h"
#include "os/process.hpp"
#include "os/windows/text.hpp"

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

// The structure is input and output.
std::error_code request(HANDLE device, unsigned number, void* data, std::size_t bytes) {
    DWORD count = 0;
    auto const size = static_cast<DWORD>(bytes);
    return control(device, COOP_NT_CODE(number), data, size, data, size, count);
}

// The answer has an array behind the structure.
std::error_code request(HANDLE device, coop_request number, void* data, std::size_t bytes,
                        std::span<std::byte> array) {
    std::vector<std::byte> answer(bytes + array.size());
    DWORD count = 0;
    auto const error =
        control(device, COOP_NT_CODE(static_cast<unsigned>(number)), data, static_cast<DWORD>(bytes),
                answer.data(), static_cast<DWORD>(answer.size()), count);
    if (!error) {
        if (count < bytes) {
            throw DriverError(number, -1, "its answer is too short");
        }
        std::memcpy(data, answer.data(), bytes);
        std::memcpy(array.data(), answer.data() + bytes, count - bytes);
    }
    return error;
}

// The driver unmaps when the handle is closed, which is after this.
class WindowsMapping : public Mapping {
public:
    WindowsMapping(HANDLE device, std::vector<coop_extent> const& extents) {
        for (auto const& extent : extents) {
            coop_nt_map map{extent.map_offset, 0, 0};
            if (auto const error = request(device, COOP_NT_REQUEST_MAP, &map, sizeof map)) {
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

class EventObject : public HostEvent {
public:
    EventObject(boost::asio::io_context& io, HANDLE event) : event_(io, event) {}

    std::uint64_t handle() override { return reinterpret_cast<std::uintptr_t>(event_.native_handle()); }

    void wait(std::function<void(boost::system::error_code)> handler) override {
        event_.async_wait(std::move(handler));
    }

private:
    boost::asio::windows::object_handle event_;
};

class WindowsDriver : public SystemDriver {
public:
    explicit WindowsDriver(Handle device) : device_(std::move(device)) {}

    std::unique_ptr<Mapping> map(std::vector<coop_extent> const& extents) override {
        return std::make_unique<WindowsMapping>(device_.get(), extents);
    }

    bool put(coop_request number, void* data, std::size_t bytes, std::span<std::byte> array) override {
        auto const error = array.empty() ? request(device_.get(), static_cast<unsigned>(number), data, bytes)
                                         : request(device_.get(), number, data, bytes, array);
        if (error && error.value() != ERROR_OPERATION_ABORTED) {
            throw refused(number, error);
        }
        return !error;
    }

private:
    std::uint64_t address(std::byte const*) const override { return 0; } // behind the structure

    std::unique_ptr<HostEvent> make_event(boost::asio::io_context& io) override {
        Handle event{CreateEventW(nullptr, FALSE, FALSE, nullptr)};
        if (!event) {
            throw refused(COOP_REQUEST_NOTIFIER, last_windows_error());
        }
        auto result = std::make_unique<EventObject>(io, event.get());
        event.release();
        return result;
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
