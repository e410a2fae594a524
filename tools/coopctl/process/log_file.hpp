// SPDX-License-Identifier: GPL-2.0-only
// A log file with one older one beside it. spdlog's own rotating sink would call the older one of `a.log`
// `a.1.log`, which is the log of a guest named `a.1`.
#pragma once

#include <cstddef>
#include <filesystem>
#include <mutex>
#include <spdlog/details/file_helper.h>
#include <spdlog/sinks/base_sink.h>

namespace coop::ctl {

class LogFile : public spdlog::sinks::base_sink<std::mutex> {
public:
    // Appends to file; what would grow beyond most bytes becomes older first. Throws spdlog_ex if it cannot
    // be written.
    LogFile(std::filesystem::path const& file, std::filesystem::path const& older, std::size_t most);

protected:
    void sink_it_(spdlog::details::log_msg const& message) override;
    void flush_() override;

private:
    std::filesystem::path older_;
    std::size_t most_;
    std::size_t size_;
    spdlog::details::file_helper file_;
};

} // namespace coop::ctl
