// SPDX-License-Identifier: GPL-2.0-only
// One life of a guest against the fake driver: order of calls, bad input, and failure of each call in turn.
#include "failing.hpp"
#include "fake_driver.hpp"
#include "fake_guest.hpp"
#include "process/guest.hpp"
#include "temporary_directory.hpp"
#include "tiny_kernel.hpp"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <thread>

using namespace coop::ctl;
namespace asio = boost::asio;

namespace {

struct Bench {
    Bench() {
        spec.name = "g";
        spec.memory = 64ull << 20;
        spec.kernel = files.write("vmlinux", tiny_kernel());
        spec.cmdline = "console=hvc0";
    }

    std::unique_ptr<Guest> start() {
        GuestHooks hooks;
        hooks.console_output = [](std::span<std::byte const>) {};
        hooks.kernel_log = [this](std::string_view text) { log += text; };
        hooks.ready = [this] { ++ready; };
        hooks.ended = [this](EndResult result) { ends.push_back(std::move(result)); };
        hooks.fault = [](std::string const&) {};
        return std::make_unique<Guest>(io, host.open(), spec, std::move(hooks));
    }
    std::string start_fails() {
        auto const what = failing([&] { start(); });
        CHECK(host.drivers() == 0);
        CHECK(host.mappings() == 0);
        CHECK(host.watches() == 0);
        return what;
    }
    void run_until_ended() {
        auto const until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (ends.empty() && std::chrono::steady_clock::now() < until) {
            io.restart();
            io.run_for(std::chrono::milliseconds(1));
        }
        REQUIRE(ends.size() == 1);
    }

    TemporaryDirectory files;
    boost::asio::io_context io;
    FakeHost host;
    GuestSpec spec;
    int ready = 0;
    std::string log;
    std::vector<EndResult> ends;
};

} // namespace

TEST_CASE("a guest is built in order and taken down whole") {
    Bench bench;
    {
        auto const guest = bench.start();
        auto history = bench.host.history();
        history.erase(std::remove(history.begin(), history.end(), "RUN"), history.end());
        CHECK(history == std::vector<std::string>{"VERSION", "HOST", "CREATE", "EXTENTS", "EXTENTS",
                                                  "NOTIFIER", "NOTIFIER", "NOTIFIER", "NOTIFIER", "START"});
        CHECK(bench.host.watches() == 4); // console: config and two queues; log
        CHECK(bench.host.mappings() == 1);
    }
    auto const history = bench.host.history();
    CHECK(std::count(history.begin(), history.end(), "END") == 1);
    CHECK(bench.host.drivers() == 0);
    CHECK(bench.host.mappings() == 0);
    CHECK(bench.host.watches() == 0);
    bench.io.run();
    CHECK(bench.ends.empty()); // destroyed, not ended: nobody is told
}

TEST_CASE("the end reaches the owner once, with its reason and the last of the log") {
    Bench bench;
    auto guest = bench.start();
    bench.host.print_log("Kernel panic\n");
    bench.host.end_guest({0, COOP_END_PANIC, 0, 0, 0});
    bench.run_until_ended();
    CHECK(bench.ends[0].reason == "panic");
    CHECK(bench.log == "Kernel panic\n");
}

TEST_CASE("an interrupted RUN is called again") {
    Bench bench;
    bench.host.interrupted_runs = 3;
    auto guest = bench.start();
    bench.host.end_guest({0, COOP_END_POWEROFF, 0, 0, 0});
    bench.run_until_ended();
    auto const history = bench.host.history();
    CHECK(std::count(history.begin(), history.end(), "RUN") == 4);
    CHECK(bench.ends[0].reason == "poweroff");
}

TEST_CASE("several vCPUs end as one") {
    Bench bench;
    bench.spec.vcpus = 3;
    auto guest = bench.start();
    bench.host.end_guest({0, COOP_END_STUCK, 0, 0x1234, 0});
    bench.run_until_ended();
    CHECK(bench.ends[0].reason == "stuck");
    CHECK(bench.ends[0].rip == 0x1234);
}

TEST_CASE("a guest is ready once its console driver is") {
    Bench bench;
    auto guest = bench.start();
    CHECK(bench.ready == 0);
    bring_console_up(bench.host);
    CHECK(bench.ready == 1);
    bench.host.ring(0, COOP_QUEUE_CONFIG);
    CHECK(bench.ready == 1);
}

TEST_CASE("kill and power button") {
    Bench bench;
    auto guest = bench.start();
    CHECK(guest->stats().switches == 42);
    guest->kill();
    bench.run_until_ended();
    CHECK(bench.ends[0].reason == "killed");

    Bench other;
    auto polite = other.start();
    polite->press_power_button();
    other.run_until_ended();
    CHECK(other.ends[0].reason == "poweroff");
}

TEST_CASE("a refusal says what to do apart from what is wrong") {
    Bench bench;
    auto advice = [&](std::string const& kernel) {
        bench.spec.kernel = kernel;
        try {
            bench.start();
        } catch (Failure const& failure) {
            return failure.advice();
        }
        return std::string("not refused");
    };
    CHECK(advice(bench.files.write("text", "hello")) == "give a vmlinux or bzImage");
    CHECK(advice("/does/not/exist") == "check the path that is given as `kernel`");
}

TEST_CASE("bad files are refused before memory is taken, with nothing left behind") {
    Bench bench;
    auto const good = bench.spec.kernel;
    auto with_kernel = [&](std::string const& name, std::string const& contents) {
        bench.spec.kernel = bench.files.write(name, contents);
        return bench.start_fails();
    };
    CHECK(with_kernel("text", "hello") == "1: kernel image is neither an ELF file nor a bzImage");
    CHECK(with_kernel("empty", "").starts_with("1: kernel image"));
    CHECK(with_kernel("short", tiny_kernel().substr(0, 100)).starts_with("1: kernel image"));
    CHECK(with_kernel("newer", tiny_kernel(COOP_ABI_MAJOR + 1)).find("guest ABI 2.0") != std::string::npos);
    bench.spec.kernel = "/does/not/exist";
    CHECK(bench.start_fails() == "1: cannot use kernel /does/not/exist: no such file");
    bench.spec.kernel = bench.files.path().string();
    CHECK(bench.start_fails() == "1: cannot use kernel " + bench.spec.kernel + ": not a regular file");

    bench.spec.kernel = good;
    bench.spec.initrd = "/does/not/exist";
    CHECK(bench.start_fails() == "1: cannot use initrd /does/not/exist: no such file");
    bench.spec.initrd = bench.files.write("initrd", "");
    std::filesystem::resize_file(bench.spec.initrd, 65ull << 20);
    CHECK(bench.start_fails() == "1: cannot use initrd " + bench.spec.initrd +
                                     ": it has 65 MiB, more than the 64 MiB possible here");

    bench.spec.initrd.clear();
    bench.spec.disks = {{"/no/disk", false, ""}};
    CHECK(bench.start_fails().find("/no/disk") != std::string::npos);
    CHECK(bench.host.history() == [&] {
        std::vector<std::string> expected;
        for (unsigned i = 0; i < bench.host.calls() / 2; ++i) {
            expected.insert(expected.end(), {"VERSION", "HOST"});
        }
        return expected;
    }());
}

TEST_CASE("a disk in use is refused") {
    Bench bench;
    auto const image = bench.files.write("disk.img", std::string(4096, '\0'));
    bench.spec.disks = {{image, false, "root"}};
    auto const first = bench.start();
    CHECK(bench.host.watches() == 6); // and the disk's config and queue
    auto const what = failing([&] {
        Bench other;
        other.spec.disks = {{image, false, ""}};
        other.start();
    });
    CHECK(what.starts_with("1: "));
    CHECK(what.find(image) != std::string::npos);
}

TEST_CASE("a guest's networks have a device each, and go with it") {
    asio::io_context io;
    asio::ip::tcp::acceptor holder(io, {asio::ip::address_v4::loopback(), 0});
    auto const endpoint = holder.local_endpoint();
    Bench bench;
    bench.spec.interfaces =
        parse_nets({"user,link=down", "user,forward=tcp:" + std::to_string(endpoint.port())});
    complete_nets(bench.spec.interfaces, bench.spec.name);
    CHECK(bench.start_fails().find("Address already in use") != std::string::npos);
    holder.close();
    for (int life = 0; life < 2; ++life) { // the port is free again for a guest that reboots
        auto const guest = bench.start();
        CHECK(bench.host.watches() == 10); // of each card, config and two queues
        CHECK(guest->net_counters().size() == 2);
        CHECK(bench.host.device_page(1)->device_id == 1);
        CHECK(bench.host.device_page(1)->config[6] == 0);
        CHECK(bench.host.device_page(2)->config[6] == 1);
        auto const mac = parse_mac(bench.spec.interfaces[1].mac);
        CHECK(std::equal(mac.begin(), mac.end(), bench.host.device_page(2)->config));
        asio::ip::tcp::socket client(io);
        client.connect(endpoint);
    }
}

TEST_CASE("a mismatching or refusing driver is told in words") {
    Bench bench;
    bench.host.version.ioctl_major = 7;
    CHECK(bench.start_fails().starts_with("6: ABI version mismatch"));
    bench.host.version.ioctl_major = COOP_IOCTL_MAJOR;
    bench.host.info.refusal = COOP_HOST_FRED;
    CHECK(bench.start_fails().starts_with("6: this host cannot run guests"));
}

TEST_CASE("whichever driver call fails while starting, it is named and nothing is left") {
    unsigned calls = 0;
    {
        Bench bench;
        bench.host.interrupted_runs = 0;
        auto const guest = bench.start();
        auto history = bench.host.history();
        calls = static_cast<unsigned>(
            std::count_if(history.begin(), history.end(), [](auto const& c) { return c != "RUN"; }));
    }
    REQUIRE(calls == 10);
    for (unsigned n = 1; n <= calls; ++n) {
        Bench bench;
        bench.host.fail_call = n;
        INFO("call " << n);
        auto const what = bench.start_fails();
        CHECK(what.starts_with("1: the driver refused " + bench.host.history()[n - 1]));
    }
}

TEST_CASE("a RUN that fails ends the guest and says so") {
    for (unsigned vcpus : {1u, 3u}) {
        Bench bench;
        bench.spec.vcpus = vcpus;
        bench.host.fail_call = 11;
        auto const guest = bench.start();
        bench.run_until_ended();
        CHECK(bench.ends[0].reason == "error");
        CHECK(bench.ends[0].abnormal);
        CHECK(bench.ends[0].text == "the driver refused RUN: Invalid argument");
    }
}
