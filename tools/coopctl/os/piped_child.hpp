// SPDX-License-Identifier: GPL-2.0-only
// A child at the other end of two pipes, by what a system can do with these.
#pragma once

#include "os/process.hpp"

#include <span>
#include <string_view>

namespace coop::ctl {

class PipedChild : public Child {
public:
    void write_all(std::string const& data) override;
    Read read_some(std::string& data, unsigned milliseconds) override;

private:
    // How much was taken; 0: nobody reads.
    virtual std::size_t write(std::string_view data) = 0;
    virtual void close_input() = 0;
    virtual Read wait(unsigned milliseconds) = 0;
    // How much there was; 0: the end.
    virtual std::size_t read(std::span<char> buffer) = 0;
};

} // namespace coop::ctl
