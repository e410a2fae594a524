// SPDX-License-Identifier: GPL-2.0-only
// One client's session: greeting, requests, and clients that misbehave.
#include "control/base64.hpp"
#include "process/session.hpp"
#include "temporary_directory.hpp"

#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

using namespace coop::ctl;

namespace {

struct Target : ControlTarget {
    nlohmann::json status() override { return {{"state", "running"}}; }
    nlohmann::json stats() override { throw Failure(ExitCode::failure, "no stats today"); }
    void stop(unsigned seconds) override { stops.push_back(seconds); }
    void kill() override { ++kills; }
    std::size_t input(std::string_view bytes) override {
        auto const count = std::min(bytes.size(), room);
        typed += bytes.substr(0, count);
        room -= count;
        return count;
    }
    void resize(std::uint16_t columns, std::uint16_t rows) override { size = {columns, rows}; }
    Stream& console() override { return console_stream; }
    Stream& log() override { return log_stream; }
    std::string const& name() const override { return guest_name; }

    std::string guest_name = "g";
    Stream console_stream{65536};
    Stream log_stream{65536};
    std::vector<unsigned> stops;
    int kills = 0;
    std::string typed;
    std::size_t room = 1 << 20;
    std::pair<int, int> size;
};

// How long nothing must happen until all has happened that was begun: longer where the kernel completes it on
// threads of its own.
#ifdef _WIN32
constexpr std::chrono::milliseconds quiet{100};
#else
constexpr std::chrono::milliseconds quiet{5};
#endif

struct Bench {
    Bench() : client(io) {
        auto const path = files.path() / "socket";
        auto const listener = ControlListener::create(io, path);
        listener->accept([this](ControlStream stream) {
            session =
                std::make_shared<Session>(std::move(stream), target, [this](Session&) { closed = true; });
        });
        client = connect_control(io, path);
        settle();
        REQUIRE(session);
        session->start();
    }
    ~Bench() {
        if (session) {
            session->close();
        }
    }
    void send(std::string const& text) {
        bool written = false;
        boost::asio::async_write(client, boost::asio::buffer(text),
                                 [&](boost::system::error_code, std::size_t) { written = true; });
        settle();
        REQUIRE(written);
    }
    void settle() {
        io.restart();
        while (io.run_one_for(quiet) != 0) {
        }
    }
    // All messages that have arrived; at_end once the session has closed the stream.
    std::vector<nlohmann::json> receive() {
        std::vector<nlohmann::json> messages;
        for (;;) {
            static char buffer[65536];
            boost::system::error_code error = boost::asio::error::would_block;
            std::size_t count = 0;
            client.async_read_some(boost::asio::buffer(buffer),
                                   [&](boost::system::error_code result, std::size_t bytes) {
                                       error = result;
                                       count = bytes;
                                   });
            settle();
            if (error == boost::asio::error::would_block) {
                client.cancel();
                settle();
            }
            if (error) {
                at_end = at_end || error != boost::asio::error::operation_aborted;
                break;
            }
            lines.append({buffer, count});
            while (auto const line = lines.next()) {
                messages.push_back(decode_object(*line));
            }
        }
        return messages;
    }
    void greet() {
        send(encode_request(HelloRequest{protocol_version}));
        REQUIRE(receive().at(0).at("type") == "hello");
    }

    TemporaryDirectory files;
    boost::asio::io_context io;
    ControlStream client;
    Target target;
    LineBuffer lines;
    bool closed = false;
    bool at_end = false;
    std::shared_ptr<Session> session;
};

} // namespace

TEST_CASE("a session greets first and answers") {
    Bench bench;
    auto const hello = bench.receive();
    REQUIRE(hello.size() == 1);
    CHECK(hello[0].at("protocol") == protocol_version);
    CHECK(hello[0].at("name") == "g");
    bench.send(encode_request(HelloRequest{protocol_version}) + encode_request(StatusRequest{}) +
               encode_request(StopRequest{9}) + encode_request(KillRequest{}) +
               encode_request(ResizeRequest{100, 30}));
    auto const replies = bench.receive();
    REQUIRE(replies.size() == 3);
    CHECK(replies[0].at("data").at("state") == "running");
    CHECK(bench.target.stops == std::vector<unsigned>{9});
    CHECK(bench.target.kills == 1);
    CHECK(bench.target.size == std::pair(100, 30));
}

TEST_CASE("a refused request is an error reply, and the session goes on") {
    Bench bench;
    bench.greet();
    bench.send(encode_request(StatsRequest{}) + encode_request(StatusRequest{}));
    auto const replies = bench.receive();
    REQUIRE(replies.size() == 2);
    CHECK(replies[0].at("type") == "error");
    CHECK(replies[0].at("message") == "no stats today");
    CHECK(replies[1].at("type") == "reply");
}

TEST_CASE("who breaks the protocol is told and dismissed") {
    for (auto const& line :
         {std::string("nonsense\n"), encode_request(StatusRequest{}), encode_request(HelloRequest{99}),
          encode_request(HelloRequest{protocol_version}) + encode_request(HelloRequest{protocol_version}),
          std::string(70000, 'x')}) {
        Bench bench;
        bench.send(line);
        auto const messages = bench.receive();
        REQUIRE(messages.size() == 2);
        CHECK(messages[1].at("type") == "error");
        CHECK(bench.at_end);
        CHECK(bench.closed);
        CHECK(bench.target.kills == 0);
    }
}

TEST_CASE("a late viewer sees the scrollback, then what comes") {
    Bench bench;
    bench.greet();
    auto append = [&](std::string_view text) {
        bench.target.console_stream.append(std::as_bytes(std::span(text)));
    };
    append("before\n");
    bench.send(encode_request(ConsoleRequest{}));
    append("after\n");
    std::string seen;
    for (auto const& message : bench.receive()) {
        if (message.at("type") == "output") {
            seen += *base64_decode(message.at("data").get<std::string>());
        }
    }
    CHECK(seen == "before\nafter\n");
}

TEST_CASE("a viewer that does not read loses bytes, is told how many, and then sees on") {
    Bench bench;
    bench.greet();
    bench.send(encode_request(ConsoleRequest{}));
    std::string const chunk(10000, 'x');
    std::size_t const total = 1000 * chunk.size();
    for (int i = 0; i < 1000; ++i) {
        bench.target.console_stream.append(std::as_bytes(std::span(chunk)));
    }
    std::size_t shown = 0, dropped = 0;
    for (auto const& message : bench.receive()) {
        if (message.at("type") == "output") {
            shown += base64_decode(message.at("data").get<std::string>())->size();
        } else if (message.at("type") == "dropped") {
            dropped += message.at("bytes").get<std::size_t>();
        }
    }
    CHECK(dropped > 0);
    CHECK(shown + dropped == total);
    CHECK(shown < 2 * Session::output_most);
    bench.target.console_stream.append(std::as_bytes(std::span(chunk)));
    auto const later = bench.receive();
    REQUIRE(later.size() == 1);
    CHECK(later[0].at("type") == "output");
}

TEST_CASE("input that the guest does not take is held back, in order, and not read on without bound") {
    Bench bench;
    bench.greet();
    bench.target.room = 5;
    bench.send(encode_request(InputRequest{"abcdefgh"}));
    CHECK(bench.target.typed == "abcde");
    bench.send(encode_request(InputRequest{"ijk"}));
    CHECK(bench.target.typed == "abcde");
    bench.target.room = 100;
    bench.session->flush_input();
    bench.settle();
    CHECK(bench.target.typed == "abcdefghijk");
}

TEST_CASE("the end of the guest is the last message") {
    Bench bench;
    bench.greet();
    bench.session->finish({{"reason", "poweroff"}});
    auto const messages = bench.receive();
    REQUIRE(messages.size() == 1);
    CHECK(messages[0].at("result").at("reason") == "poweroff");
    CHECK(bench.at_end);
    CHECK(bench.closed);
}

TEST_CASE("a client that goes away is forgotten, also by the streams") {
    Bench bench;
    bench.greet();
    bench.send(encode_request(ConsoleRequest{}) + encode_request(LogsRequest{}));
    CHECK(bench.target.console_stream.viewers() == 1);
    CHECK(bench.target.log_stream.viewers() == 1);
    bench.client.close();
    bench.settle();
    CHECK(bench.closed);
    CHECK(bench.target.console_stream.viewers() == 0);
    CHECK(bench.target.log_stream.viewers() == 0);
}
