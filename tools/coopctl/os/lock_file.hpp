// SPDX-License-Identifier: GPL-2.0-only
// A lock that dies with its process, whatever kills it; the file holds the process's number for people.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

namespace coop::ctl {

class LockFile {
public:
    // Released, and the file removed, on destruction.
    virtual ~LockFile() = default;

    // Nothing if another process holds it. Throws Failure if the file cannot be made.
    static std::unique_ptr<LockFile> try_lock(std::filesystem::path const& path);
    // The process that holds the lock, without disturbing it; nothing if none does.
    static std::optional<std::int64_t> holder(std::filesystem::path const& path);
};

} // namespace coop::ctl
