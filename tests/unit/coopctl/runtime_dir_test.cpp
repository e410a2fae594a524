// SPDX-License-Identifier: GPL-2.0-only
// Locks that die with their process, and what is left of guests.
#include "control/runtime_dir.hpp"
#include "failing.hpp"
#include "kill_process.hpp"
#include "os/lock_file.hpp"
#include "os/process.hpp"
#include "temporary_directory.hpp"

#include <chrono>
#include <cstdio>
#include <iostream>
#include <thread>

using namespace coop::ctl;

namespace {

// Another process that holds the lock until it is killed: this program, with the hidden test below.
class Holder {
public:
    explicit Holder(std::filesystem::path const& path) : Holder() { // which ends it, should this fail
        child_->write_all(path.string());
        std::string said; // by Catch too
        auto got = Child::Read::data;
        while (got == Child::Read::data && said.find(" held") == std::string::npos) {
            got = child_->read_some(said, 30000);
        }
        REQUIRE(said.find("it is held") != std::string::npos);
    }
    ~Holder() { kill_it(); }
    Holder(Holder const&) = delete;
    Holder& operator=(Holder const&) = delete;

    std::int64_t id() const { return child_->id(); }
    void kill_it() {
        if (!std::exchange(killed_, true)) {
            kill_process(child_->id());
        }
    }

private:
    Holder() : child_(spawn_self({"coopctl_test", "[hold-lock]"})) {}

    std::unique_ptr<Child> child_;
    bool killed_ = false;
};

} // namespace

TEST_CASE("child: hold a lock until killed", "[.hold-lock]") {
    std::string const path((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
    auto const lock = LockFile::try_lock(path);
    std::puts(lock ? "it is held" : "it is not held");
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::minutes(5));
}

TEST_CASE("a lock is exclusive, can be asked about, and goes with its file") {
    TemporaryDirectory const directory;
    auto const path = directory.path() / "g.pid";
    CHECK_FALSE(LockFile::holder(path));
    {
        Holder const holder(path);
        CHECK(LockFile::try_lock(path) == nullptr);
        CHECK(LockFile::holder(path) == holder.id());
    }
    CHECK_FALSE(LockFile::holder(path)); // killed: the file is stale
    CHECK(std::filesystem::exists(path));
    {
        auto const lock = LockFile::try_lock(path);
        REQUIRE(lock != nullptr);
        CHECK(LockFile::holder(path) == own_process_id());
    }
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(failing([&] {
              LockFile::try_lock(directory.path() / "no" / "g.pid");
          }).starts_with("1: cannot lock "));
}

TEST_CASE("running, ended and lost guests are told apart") {
    TemporaryDirectory const temporary;
    RuntimeDir const directory(temporary.path());
    CHECK(directory.list().empty());
    CHECK_FALSE(directory.find("g"));

    Holder holder(directory.lock("live"));
    EndResult result;
    result.name = "dead";
    result.reason = "poweroff";
    directory.write_last(result);
    temporary.write("x.sock", "");
    temporary.write("bad name.pid", "");
    temporary.write("old.last", "{\"name\":");

    auto const entries = directory.list();
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].name == "dead");
    CHECK(entries[0].last->reason == "poweroff");
    CHECK(entries[1].name == "live");
    CHECK(entries[1].process == holder.id());

    holder.kill_it();
    auto const lost = directory.find("live");
    REQUIRE(lost);
    CHECK_FALSE(lost->process);
    CHECK(lost->last->reason == "lost");
    CHECK(lost->last->name == "live");

    directory.remove_last("dead");
    CHECK_FALSE(directory.find("dead"));
}
