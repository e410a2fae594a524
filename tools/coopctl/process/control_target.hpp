// SPDX-License-Identifier: GPL-2.0-only
// What a control session can ask of the guest's process.
#pragma once

#include "process/stream.hpp"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace coop::ctl {

class ControlTarget {
public:
    virtual ~ControlTarget() = default;
    // These throw Failure.
    virtual nlohmann::json status() = 0;
    virtual nlohmann::json stats() = 0;
    virtual void stop(unsigned timeout_seconds) = 0;
    virtual void kill() = 0;

    // Returns how many bytes were taken; the rest is offered again by ControlServer::flush_input.
    virtual std::size_t input(std::string_view bytes) = 0;
    virtual void resize(std::uint16_t columns, std::uint16_t rows) = 0;
    virtual Stream& console() = 0;
    virtual Stream& log() = 0;
    virtual std::string const& name() const = 0;
};

} // namespace coop::ctl
