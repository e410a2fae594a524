// SPDX-License-Identifier: GPL-2.0-only
// Scrollback and fan-out to viewers.
#include "control/scrollback.hpp"
#include "process/stream.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace coop::ctl;

namespace {

std::span<std::byte const> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}
std::string text(std::vector<std::byte> const& data) {
    return {reinterpret_cast<char const*>(data.data()), data.size()};
}

struct Recorder : Viewer {
    void output(std::span<std::byte const> data) override {
        seen.append(reinterpret_cast<char const*>(data.data()), data.size());
    }
    std::string seen;
};

} // namespace

TEST_CASE("scrollback holds all until it is full") {
    Scrollback scrollback(8);
    CHECK(text(scrollback.contents()).empty());
    scrollback.append(bytes("abc"));
    scrollback.append(bytes(""));
    CHECK(text(scrollback.contents()) == "abc");
    scrollback.append(bytes("d\nfgh")); // exactly full: nothing lost, so no line is cut
    CHECK(text(scrollback.contents()) == "abcd\nfgh");
}

TEST_CASE("once bytes are lost it begins with a whole line") {
    Scrollback scrollback(8);
    scrollback.append(bytes("abcd\nfgh"));
    scrollback.append(bytes("i"));
    CHECK(text(scrollback.contents()) == "fghi");
    scrollback.append(bytes("jklmnopq"));
    CHECK(text(scrollback.contents()) == "jklmnopq"); // no line end: better cut than nothing
    scrollback.append(bytes("0123456789\nab"));
    CHECK(text(scrollback.contents()) == "ab");
}

TEST_CASE("scrollback against a plain string, many pieces") {
    Scrollback scrollback(1000);
    std::string all;
    for (int i = 0; i < 500; ++i) {
        std::string const piece(static_cast<std::size_t>(i * 7 % 97), static_cast<char>('a' + i % 26));
        scrollback.append(bytes(piece));
        all += piece;
        auto const expected = all.size() <= 1000 ? all : all.substr(all.size() - 1000);
        REQUIRE(text(scrollback.contents()) == expected);
    }
}

TEST_CASE("viewers see what was before and what comes, until they detach") {
    Stream stream(64);
    Recorder early, late;
    stream.attach(early);
    stream.append(bytes("one\n"));
    stream.attach(late);
    stream.append(bytes("two\n"));
    CHECK(early.seen == "one\ntwo\n");
    CHECK(late.seen == "one\ntwo\n");
    CHECK(stream.viewers() == 2);
    stream.detach(early);
    stream.append(bytes("three\n"));
    CHECK(early.seen == "one\ntwo\n");
    CHECK(late.seen == "one\ntwo\nthree\n");
}
