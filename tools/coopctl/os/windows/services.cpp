// SPDX-License-Identifier: GPL-2.0-only
// Asking the service manager.
#include "os/windows/services.hpp"

#include "os/windows/text.hpp"
#include "os/words.hpp"

#include <fmt/format.h>
#include <winsvc.h>

namespace coop::ctl {

namespace {

constexpr DWORD patience_ms = 180'000; // the service stops guests first
constexpr DWORD step_ms = 100;
constexpr DWORD preshutdown_ms = 120'000;
constexpr DWORD invalid_image_hash = 577; // ERROR_INVALID_IMAGE_HASH, which mingw does not have

class ServiceHandle {
public:
    explicit ServiceHandle(SC_HANDLE handle) : handle_(handle) {}
    ServiceHandle(ServiceHandle&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    ServiceHandle& operator=(ServiceHandle&&) = delete;
    ~ServiceHandle() {
        if (handle_ != nullptr) {
            CloseServiceHandle(handle_);
        }
    }
    SC_HANDLE get() const { return handle_; }
    explicit operator bool() const { return handle_ != nullptr; }

private:
    SC_HANDLE handle_;
};

// What the service manager's and the loader's errors mean here.
Failure explain(std::string const& what, DWORD error = GetLastError()) {
    switch (error) {
    case ERROR_ACCESS_DENIED:
        return {ExitCode::host, fmt::format("{}: no permission", what), words::become_administrator};
    case ERROR_SERVICE_DOES_NOT_EXIST:
        return {ExitCode::failure, fmt::format("{}: it is not installed", what), "install it first"};
    case ERROR_SERVICE_EXISTS:
        return {ExitCode::failure, fmt::format("{}: it is installed already", what), "remove it first"};
    case ERROR_SERVICE_ALREADY_RUNNING:
        return {ExitCode::failure, fmt::format("{}: it runs already", what)};
    case ERROR_SERVICE_MARKED_FOR_DELETE:
        return {ExitCode::failure, fmt::format("{}: an earlier one is not quite gone", what),
                "close what uses it (guests, the services window), or restart the host"};
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
        return {ExitCode::failure, fmt::format("{}: its file is gone", what),
                "remove it and install it again"};
    case invalid_image_hash:
        return {
            ExitCode::host, fmt::format("{}: the system does not accept the driver's signature", what),
            "with Secure Boot off, run `bcdedit /set testsigning on` and restart the host; `coopctl doctor` "
            "shows the state"};
    case ERROR_DRIVER_BLOCKED:
        return {ExitCode::host, fmt::format("{}: the system blocks the driver", what),
                "turn off memory integrity (Core isolation); `coopctl doctor` shows the state"};
    default:
        return failed(what, error);
    }
}

std::string shown(wchar_t const* name) {
    return to_utf8(name);
}

ServiceHandle open_manager(DWORD access, std::string const& what) {
    ServiceHandle manager{OpenSCManagerW(nullptr, nullptr, access)};
    if (!manager) {
        throw explain(what);
    }
    return manager;
}

ServiceHandle open_service(wchar_t const* name, DWORD access, std::string const& what) {
    auto const manager = open_manager(SC_MANAGER_CONNECT, what);
    ServiceHandle service{OpenServiceW(manager.get(), name, access)};
    if (!service) {
        throw explain(what);
    }
    return service;
}

DWORD current_state(SC_HANDLE service) {
    SERVICE_STATUS status{};
    return QueryServiceStatus(service, &status) != 0 ? status.dwCurrentState : 0;
}

// false: it went another way, or takes too long.
bool wait_for(SC_HANDLE service, DWORD wanted, DWORD passing) {
    for (DWORD waited = 0; waited < patience_ms; waited += step_ms) {
        auto const state = current_state(service);
        if (state != passing) {
            return state == wanted;
        }
        Sleep(step_ms);
    }
    return false;
}

void stop(SC_HANDLE service, std::string const& what) {
    SERVICE_STATUS status{};
    if (ControlService(service, SERVICE_CONTROL_STOP, &status) == 0) {
        auto const error = GetLastError();
        if (error == ERROR_SERVICE_NOT_ACTIVE) {
            return;
        }
        if (error != ERROR_SERVICE_CANNOT_ACCEPT_CTRL || current_state(service) != SERVICE_STOP_PENDING) {
            throw explain(what, error);
        }
    }
    if (!wait_for(service, SERVICE_STOPPED, SERVICE_STOP_PENDING)) {
        throw Failure(ExitCode::failure, fmt::format("{}: it goes on", what),
                      "stop the guests that use it first");
    }
}

} // namespace

ServiceState service_state(wchar_t const* name) {
    ServiceHandle const manager{OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT)};
    if (!manager) {
        return ServiceState::unknown;
    }
    ServiceHandle const service{OpenServiceW(manager.get(), name, SERVICE_QUERY_STATUS)};
    if (!service) {
        return GetLastError() == ERROR_SERVICE_DOES_NOT_EXIST ? ServiceState::absent : ServiceState::unknown;
    }
    switch (current_state(service.get())) {
    case SERVICE_STOPPED:
        return ServiceState::stopped;
    case SERVICE_RUNNING:
        return ServiceState::running;
    case 0:
        return ServiceState::unknown;
    default:
        return ServiceState::changing;
    }
}

char const* state_word(ServiceState state) {
    static constexpr char const* words[] = {"not installed", "stopped", "changing", "running", "unknown"};
    return words[static_cast<int>(state)];
}

void install_service(ServiceSpec const& spec) {
    auto const what = fmt::format("cannot install '{}'", shown(spec.name));
    auto const manager = open_manager(SC_MANAGER_CREATE_SERVICE, what);
    auto const dependencies = std::wstring(driver_service) + L'\0'; // a list of words, each with an end
    ServiceHandle const service{
        CreateServiceW(manager.get(), spec.name, spec.title, SERVICE_ALL_ACCESS,
                       spec.is_driver ? SERVICE_KERNEL_DRIVER : SERVICE_WIN32_OWN_PROCESS,
                       spec.is_driver ? SERVICE_DEMAND_START : SERVICE_AUTO_START, SERVICE_ERROR_NORMAL,
                       spec.command.c_str(), nullptr, nullptr,
                       spec.is_driver ? nullptr : dependencies.c_str(), nullptr, nullptr)};
    if (!service) {
        throw explain(what);
    }
    SERVICE_DESCRIPTIONW description{const_cast<wchar_t*>(spec.description)};
    ChangeServiceConfig2W(service.get(), SERVICE_CONFIG_DESCRIPTION, &description);
    if (!spec.is_driver) {
        SERVICE_PRESHUTDOWN_INFO patience{preshutdown_ms};
        ChangeServiceConfig2W(service.get(), SERVICE_CONFIG_PRESHUTDOWN_INFO, &patience);
    }
}

void remove_service(wchar_t const* name) {
    auto const what = fmt::format("cannot remove '{}'", shown(name));
    auto const service = open_service(name, SERVICE_STOP | SERVICE_QUERY_STATUS | DELETE, what);
    stop(service.get(), what);
    if (DeleteService(service.get()) == 0) {
        throw explain(what);
    }
}

void start_service(wchar_t const* name) {
    auto const what = fmt::format("cannot start '{}'", shown(name));
    auto const service = open_service(name, SERVICE_START | SERVICE_QUERY_STATUS, what);
    if (StartServiceW(service.get(), 0, nullptr) == 0) {
        throw explain(what);
    }
    if (!wait_for(service.get(), SERVICE_RUNNING, SERVICE_START_PENDING)) {
        throw Failure(ExitCode::failure, fmt::format("{}: it ended while it started", what),
                      "the event viewer may say why");
    }
}

void stop_service(wchar_t const* name) {
    auto const what = fmt::format("cannot stop '{}'", shown(name));
    stop(open_service(name, SERVICE_STOP | SERVICE_QUERY_STATUS, what).get(), what);
}

} // namespace coop::ctl
