// SPDX-License-Identifier: GPL-2.0-only
// One stream of bytes with any number of viewers: the console, or the log. Single-threaded.
#pragma once

#include "control/scrollback.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace coop::ctl {

class Viewer {
public:
    virtual ~Viewer() = default;
    // Must not block: a viewer that cannot keep up drops bytes on its own account.
    virtual void output(std::span<std::byte const> data) = 0;
};

class Stream {
public:
    explicit Stream(std::size_t scrollback) : scrollback_(scrollback) {}

    void append(std::span<std::byte const> data) {
        scrollback_.append(data);
        for (auto* viewer : viewers_) {
            viewer->output(data);
        }
    }
    // Replays the scrollback to the viewer, which must detach before it dies.
    void attach(Viewer& viewer) {
        detach(viewer);
        auto const history = scrollback_.contents();
        viewer.output(history);
        viewers_.push_back(&viewer);
    }
    void detach(Viewer& viewer) { std::erase(viewers_, &viewer); }

    std::vector<std::byte> history() const { return scrollback_.contents(); }
    std::size_t viewers() const { return viewers_.size(); }

private:
    Scrollback scrollback_;
    std::vector<Viewer*> viewers_;
};

} // namespace coop::ctl
