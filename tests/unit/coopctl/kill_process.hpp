// SPDX-License-Identifier: GPL-2.0-only
// Ending a process that spawn_self made, without a word.
#pragma once

#include <cstdint>

#ifdef _WIN32
#include "devices/handle_windows.hpp"
#else
#include <csignal>
#include <sys/wait.h>
#endif

namespace coop::ctl {

inline void kill_process(std::int64_t id) {
#ifdef _WIN32
    Handle const process{OpenProcess(PROCESS_TERMINATE | SYNCHRONIZE, FALSE, static_cast<DWORD>(id))};
    TerminateProcess(process.get(), 1);
    WaitForSingleObject(process.get(), INFINITE);
#else
    ::kill(static_cast<pid_t>(id), SIGKILL);
    ::waitpid(static_cast<pid_t>(id), nullptr, 0);
#endif
}

} // namespace coop::ctl
