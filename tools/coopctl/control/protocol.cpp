// SPDX-License-Identifier: GPL-2.0-only
// Encoding and checked decoding of control messages.
#include "control/protocol.hpp"

#include "control/base64.hpp"

#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace coop::ctl {

namespace {

using Json = nlohmann::json;

std::int64_t integer(Json const& message, char const* key, std::int64_t least, std::int64_t most) {
    auto const found = message.find(key);
    if (found == message.end() || !found->is_number_integer()) {
        throw ProtocolError(fmt::format("control message without the number '{}'", key));
    }
    // A number above INT64_MAX is held unsigned.
    bool const huge =
        found->is_number_unsigned() &&
        found->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    auto const value = huge ? most : found->get<std::int64_t>();
    if (huge || value < least || value > most) {
        throw ProtocolError(fmt::format("control message with '{}' out of range", key));
    }
    return value;
}

std::string text(Json const& message, char const* key) {
    auto const found = message.find(key);
    if (found == message.end() || !found->is_string()) {
        throw ProtocolError(fmt::format("control message without the text '{}'", key));
    }
    return found->get<std::string>();
}

struct Encoder {
    Json operator()(HelloRequest const& r) const { return {{"type", "hello"}, {"protocol", r.protocol}}; }
    Json operator()(StatusRequest const&) const { return {{"type", "status"}}; }
    Json operator()(StatsRequest const&) const { return {{"type", "stats"}}; }
    Json operator()(KillRequest const&) const { return {{"type", "kill"}}; }
    Json operator()(StopRequest const& r) const { return {{"type", "stop"}, {"timeout", r.timeout}}; }
    Json operator()(ConsoleRequest const&) const { return {{"type", "console"}}; }
    Json operator()(LogsRequest const&) const { return {{"type", "logs"}}; }
    Json operator()(InputRequest const& r) const {
        return {{"type", "input"}, {"data", base64_encode(std::as_bytes(std::span(r.data)))}};
    }
    Json operator()(ResizeRequest const& r) const {
        return {{"type", "resize"}, {"columns", r.columns}, {"rows", r.rows}};
    }
};

} // namespace

Json decode_object(std::string_view line) {
    // Refuse deep nesting before the parser builds it: no message of ours nests deeper than a few levels.
    constexpr int depth_most = 16;
    bool too_deep = false;
    auto limit = [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > depth_most;
        return !too_deep;
    };
    auto message = Json::parse(line, limit, false);
    if (too_deep || message.is_discarded() || !message.is_object()) {
        throw ProtocolError("control message that is not a JSON object");
    }
    return message;
}

Request decode_request(std::string_view line) {
    auto const message = decode_object(line);
    auto const type = text(message, "type");
    if (type == "hello") {
        return HelloRequest{
            static_cast<int>(integer(message, "protocol", 0, std::numeric_limits<int>::max()))};
    }
    if (type == "status") {
        return StatusRequest{};
    }
    if (type == "stats") {
        return StatsRequest{};
    }
    if (type == "kill") {
        return KillRequest{};
    }
    if (type == "stop") {
        return StopRequest{static_cast<unsigned>(integer(message, "timeout", 0, 86400))};
    }
    if (type == "console") {
        return ConsoleRequest{};
    }
    if (type == "logs") {
        return LogsRequest{};
    }
    if (type == "input") {
        if (auto data = base64_decode(text(message, "data"))) {
            return InputRequest{std::move(*data)};
        }
        throw ProtocolError("control message with malformed base64");
    }
    if (type == "resize") {
        return ResizeRequest{static_cast<std::uint16_t>(integer(message, "columns", 1, 0xffff)),
                             static_cast<std::uint16_t>(integer(message, "rows", 1, 0xffff))};
    }
    throw ProtocolError("control message of an unknown type");
}

std::string encode(Json const& message) {
    // Names and paths may hold bytes that are not UTF-8; they must not make the writer throw.
    return message.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string encode_request(Request const& request) {
    return encode(std::visit(Encoder{}, request));
}

Json hello_message(std::string_view name, std::int64_t process) {
    return {{"type", "hello"}, {"protocol", protocol_version}, {"name", name}, {"pid", process}};
}

Json output_message(std::string_view bytes) {
    return {{"type", "output"}, {"data", base64_encode(std::as_bytes(std::span(bytes)))}};
}

Json dropped_message(std::uint64_t bytes) {
    return {{"type", "dropped"}, {"bytes", bytes}};
}

Json reply_message(Json data) {
    return {{"type", "reply"}, {"data", std::move(data)}};
}

Json error_message(Failure const& failure) {
    return {{"type", "error"},
            {"code", static_cast<int>(failure.code())},
            {"message", failure.what()},
            {"advice", failure.advice()}};
}

Json end_message(Json result) {
    return {{"type", "end"}, {"result", std::move(result)}};
}

void check_protocol(int theirs) {
    if (theirs != protocol_version) {
        throw ProtocolError(fmt::format(
            "control protocol mismatch: this coopctl speaks version {}, the guest's side version {}",
            protocol_version, theirs));
    }
}

void check_protocol(Json const& hello) {
    if (text(hello, "type") != "hello") {
        throw ProtocolError("the control socket did not answer with a hello");
    }
    check_protocol(static_cast<int>(integer(hello, "protocol", 0, std::numeric_limits<int>::max())));
}

void LineBuffer::append(std::string_view bytes) {
    pending_ += bytes;
    if (pending_.size() > line_most && pending_.find('\n', searched_) > line_most) {
        throw ProtocolError(fmt::format("control message longer than {} bytes", line_most));
    }
}

std::optional<std::string> LineBuffer::next() {
    auto const end = pending_.find('\n', searched_);
    if (end == std::string::npos) {
        searched_ = pending_.size();
        return std::nullopt;
    }
    auto line = pending_.substr(0, end);
    pending_.erase(0, end + 1);
    searched_ = 0;
    return line;
}

} // namespace coop::ctl
