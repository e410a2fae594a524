// SPDX-License-Identifier: GPL-2.0-only
// The directory that says which guests there are: NAME.sock, NAME.pid (a lock that lives as long as the
// process), NAME.log and NAME.last (how the guest ended). A process that was killed leaves stale files; they
// are recognised by the lock.
#pragma once

#include "process/end_reason.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace coop::ctl {

class RuntimeDir {
public:
    explicit RuntimeDir(std::filesystem::path path) : path_(std::move(path)) {}

    // Makes it, private to us. Throws Failure.
    void prepare() const;
    // Throws Failure if it exists and we may not look into it.
    void check_readable() const;

    std::filesystem::path const& path() const { return path_; }
    std::filesystem::path socket(std::string const& name) const { return path_ / (name + ".sock"); }
    std::filesystem::path lock(std::string const& name) const { return path_ / (name + ".pid"); }
    std::filesystem::path log(std::string const& name) const { return path_ / (name + ".log"); }
    std::filesystem::path older_log(std::string const& name) const { return path_ / (name + ".log.1"); }
    std::filesystem::path last(std::string const& name) const { return path_ / (name + ".last"); }

    struct Entry {
        std::string name;
        std::optional<std::int64_t> process; // runs
        std::optional<EndResult> last;       // does not run: how it ended
    };
    // Nothing if there is no trace of such a guest.
    std::optional<Entry> find(std::string const& name) const;
    // Sorted by name.
    std::vector<Entry> list() const;

    // Atomically. Throws Failure.
    void write_last(EndResult const& result) const;
    // A process has this name, but takes no clients: it starts its guest, or is about to go.
    bool without_socket(std::string const& name) const;
    // Of a process that was killed. The caller holds the guest's lock.
    void remove_stale_socket(std::string const& name) const;
    // Forgets how an earlier guest of this name ended.
    void remove_last(std::string const& name) const;

private:
    std::optional<EndResult> read_last(std::string const& name) const;

    std::filesystem::path path_;
};

} // namespace coop::ctl
