// SPDX-License-Identifier: GPL-2.0-only
// The service manager's view of our driver and of our service.
#pragma once

#include <string>

namespace coop::ctl {

enum class ServiceState { absent, stopped, changing, running, unknown };

inline constexpr wchar_t const* driver_service = L"coop";
inline constexpr wchar_t const* guests_service = L"coop-guests";

struct ServiceSpec {
    wchar_t const* name;
    wchar_t const* title;
    wchar_t const* description;
    bool is_driver;       // else a process of its own, started with the system, after the driver
    std::wstring command; // a driver's file, or a command line
};

// unknown: the service manager does not answer, or not to us.
ServiceState service_state(wchar_t const* name);
char const* state_word(ServiceState state);

// These wait until it is done. They throw Failure: no rights, not installed, …
void install_service(ServiceSpec const& spec);
void remove_service(wchar_t const* name); // stops it first
void start_service(wchar_t const* name);
void stop_service(wchar_t const* name); // nothing to do if it does not run

} // namespace coop::ctl
