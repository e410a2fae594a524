// SPDX-License-Identifier: GPL-2.0-only
// spdlog set up for a guest's process.
#include "process/logging.hpp"

#include "failure.hpp"
#include "process/log_file.hpp"

#include <boost/asio/post.hpp>
#include <mutex>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>

namespace coop::ctl {

namespace {

constexpr std::size_t line_limit = 4096; // a guest without line ends still gets lines

// Lines may come from any thread; viewers live on io's.
class StreamSink : public spdlog::sinks::base_sink<std::mutex> {
public:
    StreamSink(boost::asio::io_context& io, Stream& stream, std::weak_ptr<void> tie)
        : io_(io), stream_(stream), tie_(std::move(tie)) {}

protected:
    void sink_it_(spdlog::details::log_msg const& message) override {
        spdlog::memory_buf_t text;
        formatter_->format(message, text);
        boost::asio::post(io_, [&stream = stream_, tie = tie_, line = std::string(text.data(), text.size())] {
            if (!tie.expired()) {
                stream.append(std::as_bytes(std::span(line)));
            }
        });
    }
    void flush_() override {}

private:
    boost::asio::io_context& io_;
    Stream& stream_;
    std::weak_ptr<void> tie_;
};

} // namespace

ProcessLog::ProcessLog(boost::asio::io_context& io, std::filesystem::path const& file,
                       std::filesystem::path const& older, bool foreground, Stream& stream)
    : stream_tie_(std::make_shared<int>()) {
    std::vector<spdlog::sink_ptr> sinks;
    try {
        sinks.push_back(std::make_shared<LogFile>(file, older, file_most));
    } catch (spdlog::spdlog_ex const& error) {
        throw Failure(ExitCode::failure, error.what());
    }
    sinks.push_back(std::make_shared<StreamSink>(io, stream, stream_tie_));
    if (foreground) {
        sinks.push_back(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    }
    own_ = std::make_shared<spdlog::logger>("coopctl", sinks.begin(), sinks.end());
    guest_ = std::make_shared<spdlog::logger>("guest", sinks.begin(), sinks.end());
    for (auto const& logger : {own_, guest_}) {
        logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
            "%Y-%m-%d %H:%M:%S.%e %n: %v", spdlog::pattern_time_type::local, "\n"));
        logger->flush_on(spdlog::level::info);
    }
}

ProcessLog::~ProcessLog() {
    flush();
}

std::string harmless(std::string_view text) {
    std::string result(text);
    for (auto& c : result) {
        auto const code = static_cast<unsigned char>(c);
        if ((code < 0x20 && c != '\t') || code == 0x7f) {
            c = '?';
        }
    }
    return result;
}

void ProcessLog::guest(std::string_view bytes) {
    for (char const c : bytes) {
        if (c == '\n' || line_.size() >= line_limit) {
            guest_->info("{}", harmless(line_));
            line_.clear();
        }
        if (c != '\n' && c != '\r') {
            line_ += c;
        }
    }
}

void ProcessLog::flush() {
    if (!line_.empty()) {
        guest_->info("{}", harmless(line_));
        line_.clear();
    }
    own_->flush();
}

} // namespace coop::ctl
