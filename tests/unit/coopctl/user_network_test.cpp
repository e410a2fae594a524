// SPDX-License-Identifier: GPL-2.0-only
// The user-mode network: a small guest on one side, sockets of this machine's loopback on the other.
#include "failing.hpp"
#include "net/new_flow.hpp"
#include "net/user_network.hpp"
#include "small_stack.hpp"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <filesystem>

using namespace coop;
using namespace coop::ctl;
namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;

namespace {

constexpr std::size_t flows_most = 100; // more than fit in an fd_set of NT
auto const loopback = asio::ip::address_v4::loopback();

// NT's own threads open and close handles meanwhile, so only sockets count there.
std::size_t open_descriptors() {
#ifdef _WIN32
    std::size_t count = 0;
    for (SOCKET handle = 4; handle < 4096; handle += 4) {
        int type = 0;
        int bytes = sizeof type;
        auto const error = getsockopt(handle, SOL_SOCKET, SO_TYPE, reinterpret_cast<char*>(&type), &bytes);
        count += error == 0 ? 1 : 0;
    }
    return count;
#else
    using Iterator = std::filesystem::directory_iterator;
    return static_cast<std::size_t>(std::distance(Iterator("/proc/self/fd"), Iterator()));
#endif
}

struct Bench {
    explicit Bench(std::string const& net = "user")
        : network(make_user_network(io, parse_net(net), flows_most)), guest(*network) {}

    void step() {
        guest.flush();
        io.restart();
        io.run_one_for(std::chrono::milliseconds(50));
    }
    // Runs the loop until it is so.
    bool until(std::function<bool()> const& condition, int seconds = 20) {
        auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
        while (!condition() && std::chrono::steady_clock::now() < end) {
            step();
        }
        return condition();
    }

    asio::io_context io;
    std::unique_ptr<NetBackend> network;
    SmallStack guest;
};

// Sends back what comes, on the loop.
struct UdpEcho {
    explicit UdpEcho(asio::io_context& io) : socket(io, udp::endpoint(loopback, 0)) { next(); }
    void next() {
        socket.async_receive_from(asio::buffer(buffer), peer, [this](auto error, std::size_t size) {
            if (!error) {
                ++seen;
                socket.send_to(asio::buffer(buffer, size), peer);
                next();
            }
        });
    }
    std::uint16_t port() { return socket.local_endpoint().port(); }

    udp::socket socket;
    udp::endpoint peer;
    std::array<char, 2048> buffer{};
    unsigned seen = 0;
};

// Takes one connection and lets the test speak.
struct TcpServer {
    explicit TcpServer(asio::io_context& io) : acceptor(io, tcp::endpoint(loopback, 0)), peer(io) {
        acceptor.async_accept(peer, [this](auto error) { connected = !error; });
    }
    std::uint16_t port() { return acceptor.local_endpoint().port(); }

    tcp::acceptor acceptor;
    tcp::socket peer;
    bool connected = false;
};

std::uint16_t free_port() {
    asio::io_context io;
    return tcp::acceptor(io, tcp::endpoint(loopback, 0)).local_endpoint().port();
}

std::string receive_some(Bench& bench, tcp::socket& socket, std::size_t bytes) {
    std::string text(bytes, '\0');
    bool done = false;
    asio::async_read(socket, asio::buffer(text), [&](auto error, std::size_t size) {
        text.resize(size);
        done = !error;
    });
    CHECK(bench.until([&] { return done; }));
    return text;
}

} // namespace

TEST_CASE("a network that nobody uses has nothing to wait for") {
    Bench bench;
    CHECK(bench.io.run() == 0);
}

TEST_CASE("DHCP gives the guest its address, router and name server") {
    Bench bench;
    std::string discover("\x01\x01\x06\x00 xid", 8);
    discover.resize(28);
    discover += std::string_view("\x52\x54\0\0\0\x0f", 6);
    discover.resize(236);
    discover += std::string_view("\x63\x82\x53\x63\x35\x01\x01\xff", 8);
    discover.resize(300);
    bench.guest.send_udp(0xffffffff, 68, 67, discover, 0);
    REQUIRE(bench.until([&] { return !bench.guest.datagrams.empty(); }));
    auto const& offer = bench.guest.datagrams[0];
    CHECK(offer.from == SmallStack::router);
    CHECK(offer.to_port == 68);
    CHECK(offer.payload.substr(16, 4) == std::string_view("\x0a\0\x02\x0f", 4));
    CHECK(offer.payload.find(std::string_view("\x03\x04\x0a\0\x02\x02", 6)) != std::string::npos); // router
    CHECK(offer.payload.find(std::string_view("\x06\x04\x0a\0\x02\x03", 6)) !=
          std::string::npos); // name server
}

TEST_CASE("UDP to the router's address reaches the host's loopback, and the answer the guest") {
    Bench bench;
    UdpEcho echo(bench.io);
    bench.guest.send_udp(SmallStack::router, 50000, echo.port(), "hello");
    REQUIRE(bench.until([&] { return !bench.guest.datagrams.empty(); }));
    auto const& answer = bench.guest.datagrams[0];
    CHECK(answer.payload == "hello");
    CHECK(answer.from == SmallStack::router);
    CHECK(answer.from_port == echo.port());
    CHECK(answer.to_port == 50000);
    CHECK(bench.guest.batches > 0);
}

TEST_CASE("TCP to the host: both ways, a large answer whole, and the end") {
    Bench bench;
    TcpServer server(bench.io);
    bench.guest.connect(SmallStack::router, server.port());
    REQUIRE(bench.until([&] { return bench.guest.connected && server.connected; }));
    bench.guest.send("request");
    CHECK(receive_some(bench, server.peer, 7) == "request");
    std::string large;
    while (large.size() < 1000000) {
        large += std::to_string(large.size()) + ' ';
    }
    bool sent = false;
    asio::async_write(server.peer, asio::buffer(large), [&](auto error, std::size_t) { sent = !error; });
    REQUIRE(bench.until([&] { return sent && bench.guest.text.size() >= large.size(); }));
    CHECK(bench.guest.text == large);
    server.peer.close();
    CHECK(bench.until([&] { return bench.guest.closed; }));
}

TEST_CASE("a connection to nobody is refused") {
    Bench bench;
    bench.guest.connect(SmallStack::router, free_port());
    CHECK(bench.until([&] { return bench.guest.closed; }));
    CHECK_FALSE(bench.guest.connected);
}

TEST_CASE("who connects to a forward gets to the guest") {
    auto const port = free_port();
    Bench bench("user,restrict,forward=tcp:" + std::to_string(port) + "-22"); // which restrict leaves alone
    tcp::socket client(bench.io);
    client.connect(tcp::endpoint(loopback, port));
    REQUIRE(bench.until([&] { return bench.guest.connected; }));
    CHECK(bench.guest.own_port == 22);
    asio::write(client, asio::buffer("question", 8));
    CHECK(bench.until([&] { return bench.guest.text == "question"; }));
    bench.guest.send("answer");
    CHECK(receive_some(bench, client, 6) == "answer");
}

TEST_CASE("datagrams to a forward get to the guest, and its answers back") {
    auto const port = free_port();
    Bench bench("user,forward=udp:127.0.0.1:" + std::to_string(port) + "-53");
    udp::socket client(bench.io, udp::endpoint(loopback, 0));
    client.send_to(asio::buffer("q", 1), udp::endpoint(loopback, port));
    REQUIRE(bench.until([&] { return !bench.guest.datagrams.empty(); }));
    auto const& question = bench.guest.datagrams[0];
    CHECK(question.to_port == 53);
    bench.guest.send_udp(question.from, 53, question.from_port, "a");
    std::array<char, 8> buffer{};
    bool answered = false;
    client.async_receive(asio::buffer(buffer), [&](auto error, std::size_t) { answered = !error; });
    CHECK(bench.until([&] { return answered; }));
    CHECK(buffer[0] == 'a');
}

TEST_CASE("a restricted guest reaches nothing") {
    Bench bench("user,restrict");
    TcpServer server(bench.io);
    UdpEcho echo(bench.io);
    bench.guest.connect(SmallStack::router, server.port());
    bench.guest.send_udp(SmallStack::router, 50000, echo.port(), "hello");
    CHECK_FALSE(bench.until([&] { return server.connected || echo.seen != 0; }, 1));
}

TEST_CASE("a forward that cannot be had is refused, with nothing left behind") {
    asio::io_context io;
    tcp::acceptor const holder(io, tcp::endpoint(loopback, 0));
    auto const port = std::to_string(holder.local_endpoint().port());
    auto const before = open_descriptors();
    auto const forward = "user,forward=tcp:127.0.0.1:" + std::to_string(free_port()) + "-1,forward=tcp:";
    CHECK(failing([&] { make_user_network(io, parse_net(forward + port), flows_most); }) ==
          "1: cannot forward tcp 127.0.0.1:" + port + ": Address already in use");
    CHECK(failing([&] { make_user_network(io, parse_net(forward + "192.0.2.1:" + port), flows_most); }) ==
          "1: cannot forward tcp 192.0.2.1:" + port + ": Cannot assign requested address");
    io.run();
    CHECK(open_descriptors() == before);
}

TEST_CASE("a network that goes in the middle of things closes all it had") {
    asio::io_context io;
    tcp::acceptor acceptor(io, tcp::endpoint(loopback, 0));
    acceptor.non_blocking(true);
    tcp::socket peer(io);
    auto const before = open_descriptors();
    {
        auto const network =
            make_user_network(io, parse_net("user,forward=tcp:" + std::to_string(free_port())), flows_most);
        SmallStack guest(*network);
        guest.connect(SmallStack::router, acceptor.local_endpoint().port());
        guest.send_udp(SmallStack::router, 50000, free_port(), "hello");
        while (!peer.is_open() || !guest.connected) {
            guest.flush();
            io.run_one_for(std::chrono::milliseconds(50));
            boost::system::error_code nobody_yet;
            if (!peer.is_open()) {
                acceptor.accept(peer, nobody_yet);
            }
        }
        asio::write(peer, asio::buffer(std::string(10000, 'x'))); // on the way
        CHECK(open_descriptors() > before + 1);
    }
    io.run_for(std::chrono::milliseconds(100));
    peer.close();
    CHECK(open_descriptors() == before);
}

TEST_CASE("flows are bounded; what is there goes on") {
    Bench bench;
    TcpServer server(bench.io);
    UdpEcho echo(bench.io);
    bench.guest.connect(SmallStack::router, server.port());
    REQUIRE(bench.until([&] { return bench.guest.connected && server.connected; }));
    for (unsigned i = 0; i < flows_most + 100; ++i) {
        bench.guest.send_udp(SmallStack::router, static_cast<std::uint16_t>(50000 + i), echo.port(), "x");
        if (i < flows_most - 1) { // one flow is the connection
            REQUIRE(bench.until([&] { return bench.guest.datagrams.size() > i; }));
        }
    }
    CHECK_FALSE(bench.until([&] { return echo.seen >= flows_most; }, 1));
    bench.guest.send("still here");
    CHECK(receive_some(bench, server.peer, 10) == "still here");
}

TEST_CASE("while there are too many flows a forward lets nobody in") {
    auto const port = free_port();
    Bench bench("user,forward=tcp:" + std::to_string(port));
    UdpEcho echo(bench.io);
    for (unsigned i = 0; i < flows_most; ++i) {
        bench.guest.send_udp(SmallStack::router, static_cast<std::uint16_t>(50000 + i), echo.port(), "x");
        REQUIRE(bench.until([&] { return bench.guest.datagrams.size() > i; }));
    }
    tcp::socket client(bench.io);
    client.connect(tcp::endpoint(loopback, port)); // as far as the queue of the socket
    CHECK_FALSE(bench.until([&] { return bench.guest.connected; }, 1));
}

TEST_CASE("what may open a flow, and what may not") {
    auto const flow = [](std::string text) {
        text.insert(0, 12, '\0');
        return may_open_flow(std::as_bytes(std::span(text)));
    };
    auto const ip = [](char protocol, char flags, char fragment = 0, char header = 0x45) {
        std::string text("\x08\x00", 2);
        text += header;
        text += std::string(5, '\0') + fragment + std::string(2, '\0') + protocol;
        text += std::string(10 + 13, '\0') + flags;
        return text;
    };
    CHECK_FALSE(flow(std::string("\x08\x06", 2) + std::string(28, '\0'))); // ARP
    CHECK(flow(ip(6, 0x02)));                                              // SYN
    CHECK(flow(ip(6, 0x42)));                                              // SYN with ECN
    CHECK_FALSE(flow(ip(6, 0x12)));                                        // SYN, ACK
    CHECK_FALSE(flow(ip(6, 0x10)));
    CHECK_FALSE(flow(ip(6, 0x04)));
    CHECK(flow(ip(17, 0x10)));
    CHECK(flow(ip(1, 0x10)));
    CHECK(flow(ip(6, 0x10, 0x20)));         // fragments
    CHECK(flow(ip(6, 0x10, 0x01)));         //
    CHECK(flow(ip(6, 0x10, 0, 0x46)));      // options, and no room for them
    CHECK(flow(ip(6, 0x10, 0, 0x41)));      // a header shorter than one
    CHECK(flow(ip(6, 0x10).substr(0, 20))); // cut
    CHECK(flow("\x86\xdd"));
    CHECK(may_open_flow({}));
}
