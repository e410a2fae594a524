// SPDX-License-Identifier: GPL-2.0-only
// The user's terminal, or what standard input and output are instead of one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace coop::ctl {

class Terminal {
public:
    struct Size {
        std::uint16_t columns;
        std::uint16_t rows;
    };

    // Standard input and output. Handlers run on io's thread.
    static std::unique_ptr<Terminal> open(boost::asio::io_context& io);
    virtual ~Terminal() = default; // restores the terminal's mode

    // Standard input is a terminal: each key arrives as it is typed, none is acted upon here.
    virtual bool interactive() const = 0;
    virtual void make_raw() = 0;
    // One piece of input; empty at its end. Ask again for the next.
    virtual void read(std::function<void(std::string_view)> handler) = 0;
    // All of it, waiting if need be. Throws Failure once nobody reads.
    virtual void write(std::string_view text) = 0;
    // Of the terminal on standard output.
    virtual std::optional<Size> size() const = 0;
    virtual void on_resize(std::function<void()> handler) = 0;
};

} // namespace coop::ctl
