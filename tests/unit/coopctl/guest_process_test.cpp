// SPDX-License-Identifier: GPL-2.0-only
// The whole per-guest process with the fake driver, and real clients on its control socket.
#include "cli/client.hpp"
#include "control/base64.hpp"
#include "failing.hpp"
#include "fake_driver.hpp"
#include "process/guest_process.hpp"
#include "temporary_directory.hpp"
#include "tiny_kernel.hpp"

#include <chrono>
#include <new>
#include <nlohmann/json.hpp>
#include <thread>

using namespace coop::ctl;
using std::filesystem::exists;

namespace {

struct Bench {
    Bench() : directory(files.path() / "run") {
        spec.name = "g";
        spec.memory = 64ull << 20;
        spec.kernel = files.write("vmlinux", tiny_kernel());
        spec.cmdline = "quiet";
    }
    ~Bench() {
        if (thread.joinable()) {
            host.end_guest({0, COOP_END_KILLED, 0, 0, 0});
            thread.join();
        }
    }
    std::unique_ptr<GuestProcess> make() {
        return std::make_unique<GuestProcess>(
            directory, spec, [this] { return host.open(); }, false, std::function<void()>{});
    }
    void run() {
        process = make();
        thread = std::thread([this] {
            result = process->run();
            process.reset();
        });
    }
    EndResult wait() {
        thread.join();
        return result;
    }

    TemporaryDirectory files;
    RuntimeDir directory;
    FakeHost host;
    GuestSpec spec;
    std::unique_ptr<GuestProcess> process;
    std::thread thread;
    EndResult result;
};

} // namespace

TEST_CASE("a client sees status and stats, stops the guest, and learns its end") {
    Bench bench;
    bench.run();
    {
        Client client(bench.directory, "g");
        auto const status = client.request(StatusRequest{});
        CHECK(status.at("name") == "g");
        CHECK(status.at("state") == "starting");
        CHECK(status.at("memory") == 64 << 20);
        CHECK(client.request(StatsRequest{}).at("doorbells").at("wait") == 7);
        client.request(StopRequest{30});
        CHECK(client.wait_for_end().reason == "poweroff");
        CHECK_FALSE(LockFile::holder(bench.directory.lock("g"))); // the name is free at once
    }
    CHECK(bench.wait().reason == "poweroff");
    CHECK_FALSE(exists(bench.directory.socket("g")));
    CHECK_FALSE(exists(bench.directory.lock("g")));
    auto const entry = bench.directory.find("g");
    REQUIRE(entry);
    CHECK(entry->last->reason == "poweroff");
    CHECK(entry->last->ended >= entry->last->started);
    CHECK(failing([&] { Client(bench.directory, "g"); }) ==
          "3: guest 'g' does not run: the guest powered off");
}

TEST_CASE("a guest that ignores the power button is ended by force") {
    Bench bench;
    bench.host.heed_power_button = false;
    bench.run();
    Client client(bench.directory, "g");
    client.request(StopRequest{0});
    auto const end = client.wait_for_end();
    CHECK(end.reason == "killed");
    CHECK(end.abnormal);
    CHECK(end.text == "the guest did not shut down in time and was ended by force");
    bench.wait();
}

TEST_CASE("the power button is pressed again if a press was lost") {
    Bench bench;
    bench.host.lost_presses = 1;
    bench.run();
    Client client(bench.directory, "g");
    client.request(StopRequest{30});
    CHECK(client.wait_for_end().reason == "poweroff");
    bench.wait();
}

TEST_CASE("kill") {
    Bench bench;
    bench.run();
    Client client(bench.directory, "g");
    client.request(KillRequest{});
    CHECK(client.wait_for_end().reason == "killed");
    bench.wait();
}

TEST_CASE("a reboot starts the guest again, with its viewers attached") {
    Bench bench;
    bench.run();
    Client client(bench.directory, "g");
    client.request(ConsoleRequest{});
    bench.host.end_guest({0, COOP_END_REBOOT, 0, 0, 0});
    nlohmann::json status;
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    do {
        status = client.request(StatusRequest{});
    } while (status.at("reboots") == 0 && std::chrono::steady_clock::now() < until);
    CHECK(status.at("reboots") == 1);
    CHECK(status.at("viewers") == 1);
    CHECK(bench.host.drivers() == 1);
    CHECK(bench.host.mappings() == 1);
    client.request(KillRequest{});
    client.wait_for_end();
    bench.wait();
    CHECK(bench.host.drivers() == 0);
}

TEST_CASE("a reboot ends the guest if so wished") {
    Bench bench;
    bench.spec.reboot = false;
    bench.run();
    bench.host.end_guest({0, COOP_END_REBOOT, 0, 0, 0});
    CHECK(bench.wait().reason == "reboot");
}

TEST_CASE("a reboot that cannot start again is an end with a reason") {
    Bench bench;
    bench.run();
    std::filesystem::remove(bench.spec.kernel);
    bench.host.end_guest({0, COOP_END_REBOOT, 0, 0, 0});
    auto const result = bench.wait();
    CHECK(result.reason == "error");
    CHECK(result.text.starts_with("cannot start again after a reboot: cannot use kernel"));
}

TEST_CASE("what no one expected is an end with a reason, in a reboot and in the event loop") {
    Bench bench;
    bool const in_reboot = GENERATE(true, false);
    bool again = false; // for as long as the process may call its opener
    if (in_reboot) {
        bench.process = std::make_unique<GuestProcess>(
            bench.directory, bench.spec,
            [&] {
                if (std::exchange(again, true)) {
                    throw std::bad_alloc();
                }
                return bench.host.open();
            },
            false, std::function<void()>{});
        bench.host.end_guest({0, COOP_END_REBOOT, 0, 0, 0});
    } else {
        bench.host.on_boot = [] { throw std::bad_alloc(); };
        bench.process = bench.make();
    }
    auto const result = bench.process->run();
    CHECK(result.reason == "error");
    CHECK(result.text == (in_reboot ? "cannot start again after a reboot: std::bad_alloc"
                                    : "the guest's process failed: std::bad_alloc"));
    auto const entry = bench.directory.find("g");
    REQUIRE(entry);
    CHECK(entry->last->text == result.text);
    CHECK(bench.host.drivers() == 0);
}

TEST_CASE("what no one expected at the start is in the log") {
    Bench bench;
    CHECK_THROWS_AS(GuestProcess(bench.directory, bench.spec,
                                 []() -> std::unique_ptr<Driver> { throw std::bad_alloc(); }, false, {}),
                    std::bad_alloc);
    std::ifstream stream(bench.directory.log("g"));
    std::string const log((std::istreambuf_iterator<char>(stream)), {});
    CHECK(log.find("std::bad_alloc") != std::string::npos);
}

TEST_CASE("a name is used once") {
    Bench bench;
    bench.run();
    // A lock of the same process does conflict: it belongs to the open file.
    CHECK(failing([&] { bench.make(); }).starts_with("1: a guest named 'g' runs already (process "));
    Client client(bench.directory, "g"); // and the attempt did not hurt the first
    CHECK(client.request(StatusRequest{}).at("name") == "g");
}

TEST_CASE("a client too many is told so") {
    Bench bench;
    bench.run();
    std::vector<std::unique_ptr<Client>> clients;
    for (std::size_t i = 0; i < ControlServer::sessions_most; ++i) {
        clients.push_back(std::make_unique<Client>(bench.directory, "g"));
    }
    CHECK(failing([&] { Client(bench.directory, "g"); }) == "1: guest 'g' has 64 clients already");
    CHECK(clients.front()->request(StatusRequest{}).at("name") == "g");
}

TEST_CASE("what a killed process left behind is replaced") {
    Bench bench;
    bench.directory.prepare();
    bench.files.write("run/g.sock", "not even a socket");
    bench.files.write("run/g.pid", "999999999\n");
    EndResult old;
    old.name = "g";
    old.reason = "panic";
    bench.directory.write_last(old);
    bench.run();
    Client client(bench.directory, "g");
    CHECK(client.request(StatusRequest{}).at("name") == "g");
    CHECK_FALSE(exists(bench.directory.last("g")));
}

TEST_CASE("there is no socket until the guest has started") {
    Bench bench;
    bench.directory.prepare();
    bench.files.write("run/g.sock", "of a process that was killed");
    bool seen = true;
    GuestProcess const process(bench.directory, bench.spec,
                               [&] {
                                   seen = exists(bench.directory.socket("g"));
                                   return bench.host.open();
                               },
                               false, {});
    CHECK_FALSE(seen);
    CHECK(exists(bench.directory.socket("g")));
}

TEST_CASE("a start that fails leaves a log and nothing else, whichever call fails") {
    for (unsigned n = 1; n <= 10; ++n) {
        Bench bench;
        bench.host.fail_call = n;
        INFO("call " << n);
        CHECK(failing([&] { bench.make(); }).starts_with("1: the driver refused "));
        CHECK(bench.host.drivers() == 0);
        CHECK(bench.host.mappings() == 0);
        CHECK(bench.host.watches() == 0);
        CHECK(exists(bench.directory.log("g")));
        CHECK_FALSE(exists(bench.directory.socket("g")));
        CHECK_FALSE(exists(bench.directory.lock("g")));
        CHECK_FALSE(bench.directory.find("g"));
    }
}

TEST_CASE("a panic's last words are in the log") {
    Bench bench;
    bench.run();
    bench.host.print_log("Kernel panic - not syncing\x1b[31m\nno line end");
    bench.host.end_guest({0, COOP_END_PANIC, 0, 0, 0});
    CHECK(bench.wait().reason == "panic");
    std::ifstream stream(bench.directory.log("g"));
    std::string const log((std::istreambuf_iterator<char>(stream)), {});
    CHECK(log.find("guest: Kernel panic - not syncing?[31m\n") != std::string::npos);
    CHECK(log.find("guest: no line end\n") != std::string::npos);
    CHECK(log.find("coopctl: the guest kernel panicked") != std::string::npos);
}

TEST_CASE("a log viewer gets the last lines before the end") {
    Bench bench;
    bench.run();
    Client client(bench.directory, "g");
    client.request(LogsRequest{});
    bench.host.print_log("farewell\n");
    bench.host.end_guest({0, COOP_END_POWEROFF, 0, 0, 0});
    std::string seen;
    for (;;) {
        auto const message = client.receive(std::chrono::milliseconds(20000));
        if (message.at("type") == "end") {
            break;
        }
        seen += *base64_decode(message.at("data").get<std::string>());
    }
    CHECK(seen.find("guest: farewell\n") != std::string::npos);
    CHECK(seen.find("coopctl: the guest powered off\n") != std::string::npos);
    bench.wait();
}
