// SPDX-License-Identifier: GPL-2.0-only
// The log of a guest's process: its own messages and the guest kernel's, in NAME.log, to the log's viewers,
// and on standard error when it runs in the foreground.
#pragma once

#include "process/stream.hpp"

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <spdlog/logger.h>
#include <string>
#include <string_view>

namespace coop::ctl {

class ProcessLog {
public:
    static constexpr std::size_t file_most = 1 << 20; // bytes; what is older is in the older file

    // Throws Failure if the file cannot be written. stream gets each line on io's thread.
    ProcessLog(boost::asio::io_context& io, std::filesystem::path const& file,
               std::filesystem::path const& older, bool foreground, Stream& stream);
    ~ProcessLog();
    ProcessLog(ProcessLog const&) = delete;
    ProcessLog& operator=(ProcessLog const&) = delete;

    spdlog::logger& own() { return *own_; } // any thread
    // Bytes the guest kernel wrote; cut into lines, control characters made harmless.
    void guest(std::string_view bytes);
    void flush();

private:
    std::shared_ptr<spdlog::logger> own_;
    std::shared_ptr<spdlog::logger> guest_;
    std::shared_ptr<void> stream_tie_;
    std::string line_;
};

// Replaces what a terminal could act on (ECMA-48 C0 but tab, DEL) by '?'.
std::string harmless(std::string_view text);

} // namespace coop::ctl
