// SPDX-License-Identifier: GPL-2.0-only
// Whole messages over what pipes take and give at once.
#include "os/piped_child.hpp"

#include <array>

namespace coop::ctl {

void PipedChild::write_all(std::string const& data) {
    std::string_view left = data;
    while (!left.empty()) {
        auto const count = write(left);
        if (count == 0) {
            break; // the child is gone; reading its report says so
        }
        left.remove_prefix(count);
    }
    close_input();
}

Child::Read PipedChild::read_some(std::string& data, unsigned milliseconds) {
    if (auto const ready = wait(milliseconds); ready != Read::data) {
        return ready;
    }
    std::array<char, 4096> buffer;
    auto const count = read(buffer);
    data.append(buffer.data(), count);
    return count > 0 ? Read::data : Read::end;
}

} // namespace coop::ctl
