// SPDX-License-Identifier: GPL-2.0-only
// Reading and writing the runtime directory.
#include "control/runtime_dir.hpp"

#include "failure.hpp"
#include "os/lock_file.hpp"
#include "os/process.hpp"
#include "os/words.hpp"
#include "spec/name.hpp"

#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

namespace coop::ctl {

namespace fs = std::filesystem;

void RuntimeDir::prepare() const {
    make_private_directory(path_);
}

void RuntimeDir::check_readable() const {
    std::error_code error;
    fs::directory_iterator const entries(path_, error);
    if (error && error != std::errc::no_such_file_or_directory) {
        bool const rights = error == std::errc::permission_denied;
        throw Failure(rights ? ExitCode::host : ExitCode::failure,
                      fmt::format("cannot read {}: {}", path_.string(), error.message()),
                      fmt::format("{}: guests are the business of {}", words::become_administrator,
                                  words::administrator));
    }
}

std::optional<RuntimeDir::Entry> RuntimeDir::find(std::string const& name) const {
    Entry entry;
    entry.name = name;
    entry.process = LockFile::holder(lock(name));
    if (entry.process) {
        return entry;
    }
    entry.last = read_last(name);
    std::error_code ignored;
    if (!entry.last && fs::exists(lock(name), ignored)) {
        entry.last = describe_lost();
        entry.last->name = name;
    }
    return entry.last ? std::optional(entry) : std::nullopt;
}

std::vector<RuntimeDir::Entry> RuntimeDir::list() const {
    std::set<std::string> names;
    std::error_code ignored;
    for (auto const& file : fs::directory_iterator(path_, ignored)) {
        auto const& path = file.path();
        if ((path.extension() == ".pid" || path.extension() == ".last") && valid_name(path.stem().string())) {
            names.insert(path.stem().string());
        }
    }
    std::vector<Entry> entries;
    for (auto const& name : names) {
        if (auto entry = find(name)) {
            entries.push_back(std::move(*entry));
        }
    }
    return entries;
}

std::optional<EndResult> RuntimeDir::read_last(std::string const& name) const {
    std::ifstream stream(last(name));
    if (!stream) {
        return std::nullopt;
    }
    std::string const text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    try {
        return end_from_json(nlohmann::json::parse(text));
    } catch (nlohmann::json::exception const&) {
        return std::nullopt; // written by another version: as good as none
    }
}

void RuntimeDir::write_last(EndResult const& result) const {
    auto const target = last(result.name);
    auto const temporary = path_ / fmt::format(".{}.{}", result.name, own_process_id());
    {
        std::ofstream stream(temporary, std::ios::trunc);
        stream << to_json(result).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
        if (!stream.flush()) {
            throw Failure(ExitCode::failure, fmt::format("cannot write {}", temporary.string()));
        }
    }
    std::error_code error;
    fs::rename(temporary, target, error);
    if (error) {
        throw Failure(ExitCode::failure,
                      fmt::format("cannot write {}: {}", target.string(), error.message()));
    }
}

bool RuntimeDir::without_socket(std::string const& name) const {
    std::error_code error;
    return !fs::exists(socket(name), error) && !error;
}

void RuntimeDir::remove_stale_socket(std::string const& name) const {
    std::error_code ignored;
    fs::remove(socket(name), ignored);
}

void RuntimeDir::remove_last(std::string const& name) const {
    std::error_code ignored;
    fs::remove(last(name), ignored);
}

} // namespace coop::ctl
