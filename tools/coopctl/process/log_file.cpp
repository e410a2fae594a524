// SPDX-License-Identifier: GPL-2.0-only
// Writing and rotating a log file.
#include "process/log_file.hpp"

namespace coop::ctl {

LogFile::LogFile(std::filesystem::path const& file, std::filesystem::path const& older, std::size_t most)
    : older_(older), most_(most) {
    file_.open(file.native());
    size_ = file_.size();
}

void LogFile::sink_it_(spdlog::details::log_msg const& message) {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    if (size_ > 0 && size_ + text.size() > most_) {
        std::filesystem::path const name = file_.filename();
        file_.close();
        std::error_code ignored; // then the file begins anew: better than one without a bound
        std::filesystem::rename(name, older_, ignored);
        file_.open(name.native(), true);
        size_ = 0;
    }
    file_.write(text);
    size_ += text.size();
}

void LogFile::flush_() {
    file_.flush();
}

} // namespace coop::ctl
