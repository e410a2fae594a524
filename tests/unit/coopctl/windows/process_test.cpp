// SPDX-License-Identifier: GPL-2.0-only
// The detached child: what it inherits and how its words arrive. The child is this test program, with the
// hidden tests below.
#include "os/process.hpp"
#include "os/windows/spawn.hpp"
#include "os/windows/text.hpp"

#include <catch2/catch.hpp>
#include <cstdio>
#include <shellapi.h>

using namespace coop::ctl;

namespace {

constexpr wchar_t const* variable = L"COOPCTL_TEST_HANDLE";

std::string output_of(std::vector<std::string> const& arguments) {
    auto const child = spawn_self(arguments);
    child->write_all("");
    std::string text;
    auto got = Child::Read::data;
    for (int i = 0; i < 600 && got != Child::Read::end; ++i) {
        got = child->read_some(text, 100);
    }
    CHECK(got == Child::Read::end);
    return text;
}

} // namespace

TEST_CASE("child: tell whether a handle is there", "[.inherited-handle]") {
    wchar_t text[32] = {};
    REQUIRE(GetEnvironmentVariableW(variable, text, 32) != 0);
    auto* const handle = reinterpret_cast<HANDLE>(std::wcstoull(text, nullptr, 16));
    std::puts(SetEvent(handle) != 0 ? "it is there" : "it is not there");
    std::fflush(stdout);
}

TEST_CASE("a guest's process inherits no handle of its starter") {
    SECURITY_ATTRIBUTES inheritable{sizeof inheritable, nullptr, TRUE};
    coop::Handle const event{CreateEventW(&inheritable, TRUE, FALSE, nullptr)};
    wchar_t text[32] = {};
    std::swprintf(text, 32, L"%llx", reinterpret_cast<unsigned long long>(event.get()));
    SetEnvironmentVariableW(variable, text);
    CHECK(output_of({"coopctl_test", "[inherited-handle]"}).find("it is not there") != std::string::npos);
    CHECK(WaitForSingleObject(event.get(), 0) == WAIT_TIMEOUT);
}

TEST_CASE("words survive quoting") {
    std::vector<std::string> const words = {"coopctl",   "",        "a b",      R"(C:\dir with space\)",
                                            R"(quo"te)", R"(\\"\)", "tab\tbed", "\u00e4\u20ac\U0001F427"};
    int count = 0;
    auto* const parsed = CommandLineToArgvW(quote_arguments(words).c_str(), &count);
    std::vector<std::string> back;
    for (int i = 0; i < count; ++i) {
        back.push_back(to_utf8(parsed[i]));
    }
    LocalFree(parsed);
    CHECK(back == words);
}

TEST_CASE("text survives the border to UTF-16, damaged text does not stop us") {
    std::string const text = "G\u00e4ste \u2026 \U0001F427";
    CHECK(to_utf8(to_wide(text)) == text);
    CHECK(to_wide("").empty());
    CHECK_FALSE(to_wide("a\xff").empty());
}

TEST_CASE("functions without wide characters take UTF-8 too") { // by the manifest
    CHECK(GetACP() == CP_UTF8);
}

TEST_CASE("errors have the C library's words") {
    CHECK(error_text(ERROR_FILE_NOT_FOUND) == "No such file or directory");
    CHECK(error_text(ERROR_ACCESS_DENIED) == "Permission denied");
    CHECK(error_text(ERROR_SERVICE_DOES_NOT_EXIST).find("1060") != std::string::npos);
}
