// SPDX-License-Identifier: GPL-2.0-only
// A ring of bytes.
#include "control/scrollback.hpp"

#include <algorithm>

namespace coop::ctl {

void Scrollback::append(std::span<std::byte const> data) {
    if (data.size() > ring_.size()) {
        wrapped_ = true;
        data = data.last(ring_.size());
    }
    auto const first = std::min(data.size(), ring_.size() - next_);
    std::copy_n(data.begin(), first, ring_.begin() + static_cast<std::ptrdiff_t>(next_));
    std::copy(data.begin() + static_cast<std::ptrdiff_t>(first), data.end(), ring_.begin());
    wrapped_ = wrapped_ || next_ + data.size() > ring_.size() || (full_ && !data.empty());
    full_ = full_ || next_ + data.size() >= ring_.size();
    next_ = (next_ + data.size()) % ring_.size();
}

std::vector<std::byte> Scrollback::contents() const {
    std::vector<std::byte> data;
    if (full_) {
        data.insert(data.end(), ring_.begin() + static_cast<std::ptrdiff_t>(next_), ring_.end());
    }
    data.insert(data.end(), ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(next_));
    if (wrapped_) {
        auto const line_end = std::find(data.begin(), data.end(), std::byte{'\n'});
        // A stream without a line end is shown from where it starts: better a cut line than nothing.
        if (line_end != data.end()) {
            data.erase(data.begin(), line_end + 1);
        }
    }
    return data;
}

} // namespace coop::ctl
