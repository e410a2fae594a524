// SPDX-License-Identifier: GPL-2.0-only
// The control protocol between coopctl and a guest's process: one JSON object a line, both ways. The first
// line each side sends is a hello with the protocol's version. docs/coopctl.md lists the messages. Everything
// received is hostile until decoded here.
#pragma once

#include "failure.hpp"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace coop::ctl {

inline constexpr int protocol_version = 1;      // raised when an old peer would misread
inline constexpr std::size_t line_most = 65536; // bytes of one line, its end included

// Requests of a client.
struct HelloRequest {
    int protocol;
};
struct StatusRequest {};
struct StatsRequest {};
struct KillRequest {};
struct StopRequest {
    unsigned timeout; // seconds until the guest is ended by force
};
struct ConsoleRequest {};
struct LogsRequest {};
struct InputRequest {
    std::string data;
};
struct ResizeRequest {
    std::uint16_t columns;
    std::uint16_t rows;
};
using Request = std::variant<HelloRequest, StatusRequest, StatsRequest, KillRequest, StopRequest,
                             ConsoleRequest, LogsRequest, InputRequest, ResizeRequest>;

struct ProtocolError : Failure {
    explicit ProtocolError(std::string const& what) : Failure(ExitCode::failure, what) {}
};

// One line without its end. Throws ProtocolError.
Request decode_request(std::string_view line);
// Any message as an object; throws ProtocolError. Answers differ too much by request to have a type each.
nlohmann::json decode_object(std::string_view line);

std::string encode(nlohmann::json const& message); // with the line end
std::string encode_request(Request const& request);

// Messages of a guest's process.
nlohmann::json hello_message(std::string_view name, std::int64_t process);
nlohmann::json output_message(std::string_view bytes);
nlohmann::json dropped_message(std::uint64_t bytes);
nlohmann::json reply_message(nlohmann::json data);
nlohmann::json error_message(Failure const& failure);
nlohmann::json end_message(nlohmann::json result);

// Checks the hello of the other side; throws ProtocolError that names both versions.
void check_protocol(nlohmann::json const& hello);
void check_protocol(int theirs);

// Cuts a byte stream into lines.
class LineBuffer {
public:
    // Throws ProtocolError when a line grows beyond line_most.
    void append(std::string_view bytes);
    std::optional<std::string> next();

private:
    std::string pending_;
    std::size_t searched_ = 0;
};

} // namespace coop::ctl
