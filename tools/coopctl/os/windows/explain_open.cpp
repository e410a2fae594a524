// SPDX-License-Identifier: GPL-2.0-only
// Why \\.\coop cannot be opened.
#include "os/driver.hpp"
#include "os/windows/text.hpp"
#include "os/words.hpp"

#include <fmt/format.h>

namespace coop::ctl {

Failure explain_open(int error, bool administrator) {
    switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
        return {ExitCode::host, R"(\\.\coop does not exist: the coop driver does not run)",
                fmt::format("{}; `coopctl doctor` says whether this host can", words::load_driver)};
    case ERROR_ACCESS_DENIED:
        if (!administrator) {
            return {
                ExitCode::host, R"(no permission to open \\.\coop)",
                fmt::format("{}: whoever controls a guest controls the host", words::become_administrator)};
        }
        [[fallthrough]];
    default:
        return {ExitCode::host,
                fmt::format(R"(cannot open \\.\coop: {})", error_text(static_cast<DWORD>(error)))};
    }
}

} // namespace coop::ctl
