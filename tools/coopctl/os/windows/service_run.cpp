// SPDX-License-Identifier: GPL-2.0-only
// Life of the service: start each configured guest, wait, shut down whatever guests there are.
#include "os/windows/service_run.hpp"

#include "cli/client.hpp"
#include "os/process.hpp"
#include "os/windows/event_log.hpp"
#include "os/windows/services.hpp"
#include "os/windows/text.hpp"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <winsvc.h>

namespace coop::ctl {

namespace {

constexpr unsigned stop_seconds = 60; // a guest's time to shut down; then it is ended
constexpr DWORD hint_ms = 90'000;     // longer than any single step below

class Service {
public:
    explicit Service(RuntimeDir directory)
        : directory_(std::move(directory)), stop_(CreateEventW(nullptr, TRUE, FALSE, nullptr)) {}

    void run() {
        status_handle_ = RegisterServiceCtrlHandlerExW(guests_service, on_control, this);
        if (status_handle_ == nullptr) {
            return;
        }
        report(SERVICE_START_PENDING);
        start_guests();
        report(SERVICE_RUNNING);
        WaitForSingleObject(stop_.get(), INFINITE);
        stop_guests();
        report(SERVICE_STOPPED);
    }

private:
    static DWORD WINAPI on_control(DWORD control, DWORD, void*, void* context) {
        auto& self = *static_cast<Service*>(context);
        switch (control) {
        case SERVICE_CONTROL_STOP:
        case SERVICE_CONTROL_PRESHUTDOWN:
            // Here already: who asked looks at once, and one that runs still has not heard.
            self.report(SERVICE_STOP_PENDING);
            SetEvent(self.stop_.get());
            return NO_ERROR;
        case SERVICE_CONTROL_INTERROGATE:
            return NO_ERROR;
        default:
            return ERROR_CALL_NOT_IMPLEMENTED;
        }
    }

    void report(DWORD state) {
        SERVICE_STATUS status{};
        status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
        status.dwCurrentState = state;
        status.dwControlsAccepted =
            state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN : 0;
        if (state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING) {
            status.dwCheckPoint = ++checkpoint_;
            status.dwWaitHint = hint_ms;
        }
        SetServiceStatus(status_handle_, &status);
    }

    void start_guests() {
        std::vector<std::filesystem::path> files;
        std::error_code ignored;
        for (auto const& entry : std::filesystem::directory_iterator(guests_directory(directory_), ignored)) {
            if (entry.path().extension() == ".toml") {
                files.push_back(entry.path());
            }
        }
        std::sort(files.begin(), files.end());
        for (auto const& file : files) {
            report(SERVICE_START_PENDING);
            start_guest(file);
        }
    }

    // By the command, so that the guest's process is the same as any other's.
    void start_guest(std::filesystem::path const& file) {
        try {
            auto const child = spawn_self({"coopctl", "start", "--json", "--wait", "0", "--config",
                                           file.string(), "--runtime-dir", directory_.path().string()},
                                          Child::Errors::with_output);
            child->write_all("");
            std::string said;
            while (child->read_some(said, hint_ms) == Child::Read::data) {
            }
            auto const answer = nlohmann::json::parse(said, nullptr, false);
            if (answer.is_object()) {
                report_event(EventKind::information,
                             fmt::format("guest '{}' of {} starts", answer.value("name", ""), file.string()));
            } else {
                report_event(EventKind::error,
                             fmt::format("cannot start the guest of {}: {}", file.string(), said));
            }
        } catch (std::exception const& error) {
            report_event(EventKind::error,
                         fmt::format("cannot start the guest of {}: {}", file.string(), error.what()));
        }
    }

    // All of them: those that somebody else started would die with the host too.
    void stop_guests() {
        std::vector<std::pair<std::string, std::unique_ptr<Client>>> clients;
        for (auto const& entry : directory_.list()) {
            if (!entry.process) {
                continue;
            }
            try {
                auto client = std::make_unique<Client>(directory_, entry.name);
                client->request(StopRequest{stop_seconds});
                clients.emplace_back(entry.name, std::move(client));
            } catch (Failure const& failure) {
                report_event(EventKind::error,
                             fmt::format("cannot stop guest '{}': {}", entry.name, failure.what()));
            }
        }
        for (auto const& [name, client] : clients) {
            report(SERVICE_STOP_PENDING);
            wait_for_end(name, *client);
        }
    }

    static void wait_for_end(std::string const& name, Client& client) {
        try {
            nlohmann::json message;
            do {
                message = client.receive(std::chrono::seconds(stop_seconds + 10));
            } while (message.value("type", "") != "end");
            auto const end = end_from_json(message.at("result"));
            report_event(end.abnormal ? EventKind::warning : EventKind::information,
                         fmt::format("guest '{}': {}", name, end.text));
        } catch (std::exception const& error) {
            report_event(EventKind::error, fmt::format("guest '{}': {}", name, error.what()));
        }
    }

    RuntimeDir directory_;
    Handle stop_;
    SERVICE_STATUS_HANDLE status_handle_ = nullptr;
    std::atomic<DWORD> checkpoint_ = 0;
};

std::optional<Service> service; // one a process; its entry point has no argument of ours

void WINAPI service_main(DWORD, wchar_t**) {
    service->run();
}

} // namespace

std::filesystem::path guests_directory(RuntimeDir const& directory) {
    return directory.path().parent_path() / "guests";
}

void run_service(RuntimeDir const& directory) {
    service.emplace(directory);
    SERVICE_TABLE_ENTRYW const table[] = {{const_cast<wchar_t*>(guests_service), service_main},
                                          {nullptr, nullptr}};
    if (StartServiceCtrlDispatcherW(table) == 0) {
        auto const error = GetLastError();
        if (error == ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) {
            throw Failure(ExitCode::usage, "only the system runs the service", "use `coopctl service start`");
        }
        throw failed("cannot become a service", error);
    }
}

} // namespace coop::ctl
