// SPDX-License-Identifier: GPL-2.0-only
// Reading a file whole, with a bound before memory is taken.
#include "process/files.hpp"

#include "failure.hpp"
#include "spec/size.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>

namespace coop::ctl {

std::vector<std::byte> read_whole_file(std::string const& name, char const* what, std::uint64_t most,
                                       char const* if_larger) {
    std::filesystem::path const path(name);
    auto fail = [&](std::string const& why, std::string const& advice = {}) {
        throw Failure(ExitCode::failure, fmt::format("cannot use {} {}: {}", what, name, why),
                      advice.empty() ? fmt::format("check the path that is given as `{}`", what) : advice);
    };
    std::error_code error;
    auto const status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status)) {
        fail(error && error != std::errc::no_such_file_or_directory ? error.message() : "no such file");
    }
    if (!std::filesystem::is_regular_file(status)) {
        fail("not a regular file");
    }
    auto const size = std::filesystem::file_size(path, error);
    if (error) {
        fail(error.message());
    }
    if (size > most) {
        fail(fmt::format("it has {}, more than the {} possible here", format_size(size), format_size(most)),
             if_larger);
    }
    std::ifstream stream(path, std::ios::binary);
    if (!stream) {
        fail("it cannot be read", "check its permissions");
    }
    std::vector<std::byte> data(size);
    stream.read(reinterpret_cast<char*>(data.data()), static_cast<std::streamsize>(size));
    if (static_cast<std::uintmax_t>(stream.gcount()) != size) {
        fail("it changed or failed while it was read", "try again once nothing writes to it");
    }
    return data;
}

} // namespace coop::ctl
