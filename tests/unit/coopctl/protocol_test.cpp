// SPDX-License-Identifier: GPL-2.0-only
// Control messages: round trips, and input from nobody's friend.
#include "control/base64.hpp"
#include "control/protocol.hpp"
#include "failing.hpp"

#include <limits>
#include <nlohmann/json.hpp>
#include <random>

using namespace coop::ctl;

namespace {

std::string encode64(std::string_view text) {
    return base64_encode(std::as_bytes(std::span(text)));
}

Request round_trip(Request const& request) {
    auto line = encode_request(request);
    REQUIRE(line.back() == '\n');
    line.pop_back();
    REQUIRE(line.find('\n') == std::string::npos);
    return decode_request(line);
}

std::string bad(std::string_view line) {
    return failing([&] { decode_request(line); });
}

} // namespace

TEST_CASE("base64 by the vectors of RFC 4648") {
    CHECK(encode64("") == "");
    CHECK(encode64("f") == "Zg==");
    CHECK(encode64("fo") == "Zm8=");
    CHECK(encode64("foo") == "Zm9v");
    CHECK(encode64("foob") == "Zm9vYg==");
    CHECK(encode64("fooba") == "Zm9vYmE=");
    CHECK(encode64("foobar") == "Zm9vYmFy");
    for (auto const* text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
        CHECK(base64_decode(encode64(text)) == text);
    }
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all += static_cast<char>(i);
    }
    CHECK(base64_decode(encode64(all)) == all);
}

TEST_CASE("base64 that no encoder writes is refused") {
    for (auto const* text : {"Z", "Zg", "Zg=", "====", "Z===", "=g==", "Zg==Zg==", "Zm9v\n", "Zm 9",
                             "Zh==", "Zm9=", "Zm-_", "Zg=g", "\xff\xff\xff\xff"}) {
        INFO(text);
        CHECK_FALSE(base64_decode(text));
    }
}

TEST_CASE("requests survive the wire") {
    CHECK(std::get<HelloRequest>(round_trip(HelloRequest{7})).protocol == 7);
    CHECK(std::holds_alternative<StatusRequest>(round_trip(StatusRequest{})));
    CHECK(std::holds_alternative<StatsRequest>(round_trip(StatsRequest{})));
    CHECK(std::holds_alternative<KillRequest>(round_trip(KillRequest{})));
    CHECK(std::holds_alternative<ConsoleRequest>(round_trip(ConsoleRequest{})));
    CHECK(std::holds_alternative<LogsRequest>(round_trip(LogsRequest{})));
    CHECK(std::get<StopRequest>(round_trip(StopRequest{30})).timeout == 30);
    auto const size = std::get<ResizeRequest>(round_trip(ResizeRequest{80, 25}));
    CHECK(size.columns == 80);
    CHECK(size.rows == 25);
    std::string const bytes("\0\n\xff\x1b[A", 6);
    CHECK(std::get<InputRequest>(round_trip(InputRequest{bytes})).data == bytes);
}

TEST_CASE("hostile requests are refused with a reason") {
    CHECK(bad("") == "1: control message that is not a JSON object");
    CHECK(bad("null") == "1: control message that is not a JSON object");
    CHECK(bad("[]") == "1: control message that is not a JSON object");
    CHECK(bad("{") == "1: control message that is not a JSON object");
    CHECK(bad("{} {}") == "1: control message that is not a JSON object");
    CHECK(bad("\xff\xfe") == "1: control message that is not a JSON object");
    CHECK(bad(std::string_view("{\"type\":\0}", 10)) == "1: control message that is not a JSON object");
    CHECK(bad(std::string(60000, '[')) == "1: control message that is not a JSON object");
    CHECK(bad("{\"type\":" + std::string(1000, '[') + std::string(1000, ']') + "}") ==
          "1: control message that is not a JSON object");
    CHECK(bad("{}") == "1: control message without the text 'type'");
    CHECK(bad(R"({"type":5})") == "1: control message without the text 'type'");
    CHECK(bad(R"({"type":"reboot-host"})") == "1: control message of an unknown type");
    CHECK(bad(R"({"type":"stop"})") == "1: control message without the number 'timeout'");
    CHECK(bad(R"({"type":"stop","timeout":"5"})") == "1: control message without the number 'timeout'");
    CHECK(bad(R"({"type":"stop","timeout":1.5})") == "1: control message without the number 'timeout'");
    CHECK(bad(R"({"type":"stop","timeout":-1})") == "1: control message with 'timeout' out of range");
    CHECK(bad(R"({"type":"stop","timeout":86401})") == "1: control message with 'timeout' out of range");
    CHECK(bad(R"({"type":"stop","timeout":18446744073709551615})") ==
          "1: control message with 'timeout' out of range");
    CHECK(bad(R"({"type":"stop","timeout":1e400})") == "1: control message that is not a JSON object");
    CHECK(bad(R"({"type":"resize","columns":0,"rows":5})") ==
          "1: control message with 'columns' out of range");
    CHECK(bad(R"({"type":"resize","columns":65536,"rows":5})") ==
          "1: control message with 'columns' out of range");
    CHECK(bad(R"({"type":"resize","columns":80})") == "1: control message without the number 'rows'");
    CHECK(bad(R"({"type":"input"})") == "1: control message without the text 'data'");
    CHECK(bad(R"({"type":"input","data":"***"})") == "1: control message with malformed base64");
}

TEST_CASE("random and damaged lines never do worse than be refused") {
    std::mt19937 random(20261122);
    std::string const good = R"({"type":"resize","columns":80,"rows":25})";
    int accepted = 0;
    for (int i = 0; i < 20000; ++i) {
        auto line = good;
        for (unsigned k = 0; k <= random() % 4; ++k) {
            line[random() % line.size()] = static_cast<char>(random());
        }
        try {
            decode_request(line);
            ++accepted;
        } catch (ProtocolError const&) {
        }
    }
    CHECK(accepted > 0);
    CHECK(accepted < 20000);
}

TEST_CASE("hellos of another version name both") {
    CHECK(failing([] { check_protocol(hello_message("g", 5)); }) == "");
    auto hello = hello_message("g", 5);
    hello["protocol"] = 2;
    CHECK(failing([&] { check_protocol(hello); }) ==
          "1: control protocol mismatch: this coopctl speaks version 1, the guest's side version 2");
    CHECK(failing([&] { check_protocol(reply_message(nullptr)); }) ==
          "1: the control socket did not answer with a hello");
}

TEST_CASE("messages with bytes that are not UTF-8 are still written") {
    CHECK_NOTHROW(encode(error_message(Failure(ExitCode::failure, "no \xff file"))));
}

TEST_CASE("lines are cut from any pieces") {
    LineBuffer lines;
    lines.append("ab");
    CHECK_FALSE(lines.next());
    lines.append("c\n\nd");
    CHECK(lines.next() == "abc");
    CHECK(lines.next() == "");
    CHECK_FALSE(lines.next());
    lines.append("\n");
    CHECK(lines.next() == "d");
}

TEST_CASE("a line without an end is refused before it fills memory") {
    LineBuffer lines;
    std::string const piece(4096, 'x');
    auto const what = failing([&] {
        for (int i = 0; i < 17; ++i) {
            lines.append(piece);
            CHECK_FALSE(lines.next());
        }
    });
    CHECK(what == "1: control message longer than 65536 bytes");
}
