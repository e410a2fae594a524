// SPDX-License-Identifier: GPL-2.0-only
// Who may touch what is ours: SYSTEM and the administrators, nobody else.
#pragma once

#include "devices/handle_windows.hpp"
#include <filesystem>

namespace coop::ctl {

// For the functions that make an object. Throws Failure.
class PrivateSecurity {
public:
    PrivateSecurity();
    ~PrivateSecurity();
    PrivateSecurity(PrivateSecurity const&) = delete;
    PrivateSecurity& operator=(PrivateSecurity const&) = delete;

    SECURITY_ATTRIBUTES* get() { return &attributes_; }

private:
    SECURITY_ATTRIBUTES attributes_{};
};

// Whether file belongs to SYSTEM, the administrators or this user, and lets nobody else in; where the
// system's own volume keeps no access lists (ReactOS) everything counts as private. Throws Failure if that
// cannot be found out.
bool is_private(HANDLE file, std::filesystem::path const& path);

} // namespace coop::ctl
