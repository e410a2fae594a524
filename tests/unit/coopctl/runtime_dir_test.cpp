// SPDX-License-Identifier: GPL-2.0-only
// Locks that die with their process, and what is left of guests.
#include "control/runtime_dir.hpp"
#include "failing.hpp"
#include "os/lock_file.hpp"
#include "os/process.hpp"
#include "temporary_directory.hpp"

#include <csignal>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace coop::ctl;

namespace {

// Another process that holds the lock until it is killed.
class Holder {
public:
    explicit Holder(std::filesystem::path const& path) {
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        child_ = fork();
        if (child_ == 0) {
            auto const lock = LockFile::try_lock(path);
            [[maybe_unused]] auto const written = write(ends[1], lock ? "y" : "n", 1);
            pause();
            _exit(0);
        }
        char answer = 0;
        REQUIRE(read(ends[0], &answer, 1) == 1);
        REQUIRE(answer == 'y');
        close(ends[0]);
        close(ends[1]);
    }
    ~Holder() { kill_it(); }
    Holder(Holder const&) = delete;
    Holder& operator=(Holder const&) = delete;

    pid_t id() const { return child_; }
    void kill_it() {
        if (child_ > 0) {
            kill(child_, SIGKILL);
            waitpid(child_, nullptr, 0);
            child_ = 0;
        }
    }

private:
    pid_t child_ = 0;
};

} // namespace

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

TEST_CASE("whoever may not look into the directory is told to be root, by status 6") {
    TemporaryDirectory const temporary;
    auto const path = temporary.path() / "run";
    REQUIRE(mkdir(path.c_str(), 0700) == 0);
    REQUIRE(chmod(path.c_str(), 0) == 0);
    bool const root = geteuid() == 0;
    if (root) { // whom no mode keeps out
        REQUIRE(seteuid(65534) == 0);
    }
    auto const told = failing([&] { RuntimeDir(path).check_readable(); });
    if (root) {
        REQUIRE(seteuid(0) == 0);
    }
    CHECK(told == "6: cannot read " + path.string() + ": Permission denied");
    CHECK(failing([&] { RuntimeDir(temporary.write("file", "")).check_readable(); }).starts_with("1: "));
    CHECK(failing([&] { RuntimeDir(temporary.path() / "none").check_readable(); }) == "");
}

TEST_CASE("the directory is private or refused") {
    TemporaryDirectory const temporary;
    RuntimeDir const directory(temporary.path() / "coop");
    directory.prepare();
    struct stat info {};
    REQUIRE(stat(directory.path().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
    directory.prepare(); // again is fine
    REQUIRE(chmod(directory.path().c_str(), 0755) == 0);
    CHECK(failing([&] { directory.prepare(); }) ==
          "1: " + directory.path().string() + " is not a private directory of this user");
    std::filesystem::create_symlink(temporary.path(), temporary.path() / "link");
    CHECK(failing([&] { RuntimeDir(temporary.path() / "link").prepare(); }) ==
          "1: " + (temporary.path() / "link").string() + " is not a private directory of this user");
    CHECK(
        failing([&] { RuntimeDir(temporary.path() / "a" / "b").prepare(); }).starts_with("1: cannot make "));
}
