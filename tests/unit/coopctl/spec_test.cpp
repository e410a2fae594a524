// SPDX-License-Identifier: GPL-2.0-only
// Sizes, names, disks and the completion of a guest's description.
#include "failing.hpp"
#include "spec/guest_spec.hpp"
#include "spec/ipv4.hpp"
#include "spec/name.hpp"
#include "spec/size.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

using namespace coop::ctl;

TEST_CASE("sizes with every unit") {
    CHECK(parse_size("0") == 0);
    CHECK(parse_size("4096") == 4096);
    CHECK(parse_size("1K") == 1024);
    CHECK(parse_size("512M") == 512ull << 20);
    CHECK(parse_size("3g") == 3ull << 30);
    CHECK(parse_size("2T") == 2ull << 40);
    CHECK(parse_size("128MiB") == 128ull << 20);
    CHECK(parse_size("128mib") == 128ull << 20);
    CHECK(parse_size("18446744073709551615") == ~0ull);
    CHECK(parse_size("16777215T") == 16777215ull << 40);
}

TEST_CASE("bad sizes say why") {
    CHECK(failing([] { parse_size(""); }) == "2: bad size '': not a number");
    CHECK(failing([] { parse_size("-1M"); }) == "2: bad size '-1M': not a number");
    CHECK(failing([] { parse_size(" 1M"); }) == "2: bad size ' 1M': not a number");
    CHECK(failing([] { parse_size("M"); }) == "2: bad size 'M': not a number");
    CHECK(failing([] { parse_size("1.5G"); }) == "2: bad size '1.5G': unknown unit '.5G'");
    CHECK(failing([] { parse_size("1MB"); }) == "2: bad size '1MB': unknown unit 'MB'");
    CHECK(failing([] { parse_size("1Mi"); }) == "2: bad size '1Mi': unknown unit 'Mi'");
    CHECK(failing([] { parse_size("1P"); }) == "2: bad size '1P': unknown unit 'P'");
    CHECK(failing([] { parse_size("18446744073709551616"); }) ==
          "2: bad size '18446744073709551616': too large");
    CHECK(failing([] { parse_size("16777216T"); }) == "2: bad size '16777216T': too large");
}

TEST_CASE("sizes for people") {
    CHECK(format_size(0) == "0 B");
    CHECK(format_size(1023) == "1023 B");
    CHECK(format_size(512ull << 20) == "512 MiB");
    CHECK(format_size(1536ull << 20) == "1536 MiB");
    CHECK(format_size(3ull << 30) == "3 GiB");
    CHECK(format_size((3ull << 30) + 1) == "3.0 GiB");
    CHECK(format_size(~0ull) == "16777216.0 TiB");
}

TEST_CASE("names") {
    CHECK(valid_name("debian"));
    CHECK(valid_name("a.b_c-D9"));
    CHECK(valid_name(std::string(63, 'x')));
    CHECK_FALSE(valid_name(""));
    CHECK_FALSE(valid_name(std::string(64, 'x')));
    CHECK_FALSE(valid_name("."));
    CHECK_FALSE(valid_name(".."));
    CHECK_FALSE(valid_name("-rf"));
    CHECK_FALSE(valid_name("a/b"));
    CHECK_FALSE(valid_name("a b"));
    CHECK_FALSE(valid_name("\xc3\xa4"));
    CHECK_FALSE(valid_name(std::string_view("a\0b", 3)));
    CHECK(failing([] { check_name("a\x1b[2J"); }) == "2: bad guest name 'a?[2J'");
}

TEST_CASE("disks") {
    CHECK(parse_disk("path=a.img") == DiskSpec{"a.img", false, ""});
    CHECK(parse_disk("serial=root,readonly,path=/x=y") == DiskSpec{"/x=y", true, "root"});
    CHECK(failing([] { parse_disk(""); }) == "2: bad disk '': '' is not understood");
    CHECK(failing([] { parse_disk("a.img"); }) == "2: bad disk 'a.img': 'a.img' is not understood");
    CHECK(failing([] { parse_disk("readonly"); }) == "2: bad disk: it has no path");
    CHECK(failing([] { parse_disk("path="); }) == "2: bad disk: it has no path");
    CHECK(failing([] { parse_disk("path=a,"); }) == "2: bad disk 'path=a,': '' is not understood");
    CHECK(failing([] { parse_disk("path=a,path=b"); }) == "2: bad disk 'path=a,path=b': path is given twice");
    CHECK(failing([] { parse_disk("path=a,readonly=no"); }) ==
          "2: bad disk 'path=a,readonly=no': 'readonly=no' is not understood");
    CHECK(failing([] { parse_disk("path=a,serial=123456789012345678901"); }) ==
          "2: bad disk serial '123456789012345678901': 21 bytes");
    CHECK(failing([] { parse_disk("path=a\nb"); }) ==
          "2: bad value for disk path: it contains the control character 0x0a");
}

TEST_CASE("networks") {
    CHECK(parse_nets({"none"}).empty());
    CHECK(parse_nets({"user", "user"}).size() == 2);
    auto const net = parse_net("user,mac=52:54:00:ab:CD:0f,forward=tcp:127.0.0.1:2222-22,link=down,restrict,"
                               "forward=udp:0.0.0.0:53,forward=tcp:80-8080");
    CHECK(
        net ==
        NetSpec{"52:54:00:ab:CD:0f",
                {{"tcp", "127.0.0.1", 2222, 22}, {"udp", "0.0.0.0", 53, 53}, {"tcp", "127.0.0.1", 80, 8080}},
                true,
                false});
    CHECK(parse_mac("52:54:00:ab:CD:0f") == std::array<std::uint8_t, 6>{0x52, 0x54, 0, 0xab, 0xcd, 0x0f});
    auto bad = [](std::string const& text) { return failing([&] { parse_nets({text}); }); };
    CHECK(bad("") == "2: unknown type of network ''");
    CHECK(bad("tap") == "2: unknown type of network 'tap'");
    CHECK(bad("a\x1b[2J") == "2: unknown type of network 'a?[2J'");
    CHECK(bad("mac=52:54:00:12:34:56") == "2: unknown type of network 'mac=52:54:00:12:34:56'");
    CHECK(bad("none,restrict") == "2: unknown type of network 'none'");
    CHECK(bad("user,") == "2: bad network 'user,': '' is not understood");
    CHECK(bad("user,fast") == "2: bad network 'user,fast': 'fast' is not understood");
    CHECK(bad("user,restrict,restrict") ==
          "2: bad network 'user,restrict,restrict': restrict is given twice");
    CHECK(bad("user,link=up,link=up") == "2: bad network 'user,link=up,link=up': link is given twice");
    CHECK(bad("user,link=off") == "2: bad link state 'off'");
    CHECK(failing([] {
              parse_nets({"user", "none"});
          }) == "2: bad network 'none': there are others beside it");
    CHECK(failing([] {
              parse_nets({"none", "none"});
          }) == "2: bad network 'none': there are others beside it");
}

TEST_CASE("bad MAC addresses") {
    for (char const* const text :
         {"", "52:54:00:12:34", "52:54:00:12:34:56:78", "52-54-00-12-34-56", "52:54:00:12:34:5g",
          "5:254:00:12:34:56", "525400123456", "+2:54:00:12:34:56", "52:54:00:12:34:5 ", "52:54:00:12:34:"}) {
        CHECK(failing([&] { parse_net(std::string("user,mac=") + text); }) ==
              std::string("2: bad MAC address '") + text + "'");
    }
    CHECK(failing([] { parse_mac("01:00:5e:00:00:01"); }) ==
          "2: bad MAC address '01:00:5e:00:00:01': it is not one of a single card");
    CHECK(failing([] { parse_mac("00:00:00:00:00:00"); }) ==
          "2: bad MAC address '00:00:00:00:00:00': it is not one of a single card");
}

TEST_CASE("IPv4 addresses") {
    CHECK(parse_ipv4("0.0.0.0") == 0u);
    CHECK(parse_ipv4("10.0.2.15") == 0x0a00020fu);
    CHECK(parse_ipv4("255.255.255.255") == 0xffffffffu);
    for (auto const* const bad :
         {"", ".", "1", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1..2.3",
          "-1.2.3.4", "+1.2.3.4", " 1.2.3.4", "1.2.3.4 ", "0x1.2.3.4", "::1"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_ipv4(bad));
    }
}

TEST_CASE("bad forwards") {
    auto bad = [](std::string const& text) { return failing([&] { parse_forward(text); }); };
    CHECK(bad("") == "2: bad forward '': it is neither tcp: nor udp:");
    CHECK(bad("22") == "2: bad forward '22': it is neither tcp: nor udp:");
    CHECK(bad("sctp:22") == "2: bad forward 'sctp:22': it is neither tcp: nor udp:");
    CHECK(bad("tcp:") == "2: bad forward 'tcp:': '' is not a port");
    CHECK(bad("tcp:0") == "2: bad forward 'tcp:0': '0' is not a port");
    CHECK(bad("tcp:65536") == "2: bad forward 'tcp:65536': '65536' is not a port");
    CHECK(bad("tcp:-22") == "2: bad forward 'tcp:-22': '' is not a port");
    CHECK(bad("tcp:2222-") == "2: bad forward 'tcp:2222-': '' is not a port");
    CHECK(bad("tcp:2222-22-1") == "2: bad forward 'tcp:2222-22-1': '22-1' is not a port");
    CHECK(bad("tcp:ssh") == "2: bad forward 'tcp:ssh': 'ssh' is not a port");
    CHECK(bad("tcp::22") == "2: bad forward 'tcp::22': '' is not an IPv4 address");
    CHECK(bad("tcp:localhost:22") == "2: bad forward 'tcp:localhost:22': 'localhost' is not an IPv4 address");
    CHECK(bad("tcp:1.2.3:22") == "2: bad forward 'tcp:1.2.3:22': '1.2.3' is not an IPv4 address");
    CHECK(bad("tcp:::1:22") == "2: bad forward 'tcp:::1:22': '::1' is not an IPv4 address");
}

namespace {

SpecOptions minimal() {
    SpecOptions options;
    options.name = "g";
    options.kernel = "/vmlinux";
    return options;
}

} // namespace

TEST_CASE("defaults of a guest") {
    auto const spec = complete_spec(minimal());
    CHECK(spec.memory == 512ull << 20);
    CHECK(spec.vcpus == 1);
    CHECK(spec.reboot);
    CHECK(spec.cmdline == "console=hvc0");
    REQUIRE(spec.interfaces.size() == 1);
    for (auto const& interface : spec.interfaces) {
        CHECK(interface.mac.starts_with("52:54:00:"));
        CHECK(interface.link_up);
        CHECK_FALSE(interface.restricted);
    }
    CHECK(complete_spec(minimal()).interfaces == spec.interfaces); // the same card each time

    auto options = minimal();
    options.disks = {{{"/a.img", true, ""}}};
    CHECK(complete_spec(options).cmdline == "console=hvc0 root=/dev/vda ro");
}

TEST_CASE("no two cards are alike") {
    auto options = minimal();
    options.interfaces = parse_nets({"user", "user"});
    auto const spec = complete_spec(options);
    CHECK(spec.interfaces[0].mac != spec.interfaces[1].mac);
    options.name = "h";
    CHECK(complete_spec(options).interfaces[0].mac != spec.interfaces[0].mac);
    options.interfaces = parse_nets({"user,mac=52:54:00:00:00:0a", "user,mac=52:54:00:00:00:0A"});
    CHECK(failing([&] { complete_spec(options); }) ==
          "2: two networks have the MAC address 52:54:00:00:00:0A");
    options.interfaces = std::vector<NetSpec>{};
    CHECK(complete_spec(options).interfaces.empty());
}

TEST_CASE("no port of the host is forwarded twice") {
    auto together = [](std::vector<std::string> const& nets) {
        auto options = minimal();
        options.interfaces = parse_nets(nets);
        return failing([&] { complete_spec(options); });
    };
    CHECK(together({"user,forward=tcp:80-1,forward=tcp:80-2"}) ==
          "2: two forwards have the same port of the host: tcp:127.0.0.1:80-1 and tcp:127.0.0.1:80-2");
    CHECK(together({"user,forward=tcp:127.0.0.2:80", "user,forward=tcp:0.0.0.0:80"}) ==
          "2: two forwards have the same port of the host: tcp:127.0.0.2:80-80 and tcp:0.0.0.0:80-80");
    CHECK(together({"user,forward=udp:0.0.0.0:80", "user,forward=udp:80"}) ==
          "2: two forwards have the same port of the host: udp:0.0.0.0:80-80 and udp:127.0.0.1:80-80");
    CHECK(
        together({"user,forward=tcp:80,forward=udp:80,forward=tcp:127.0.0.2:80,forward=tcp:81-80"}).empty());
}

TEST_CASE("relative paths become absolute, since the guest's process works elsewhere") {
    auto options = minimal();
    options.kernel = "vmlinux";
    options.initrd = "./initrd";
    options.disks = {{{"a.img", false, ""}}};
    auto const spec = complete_spec(options);
    auto const here = std::filesystem::current_path();
    CHECK(spec.kernel == here / "vmlinux");
    CHECK(spec.initrd == here / "initrd");
    CHECK(spec.disks[0].path == here / "a.img");
}

TEST_CASE("incomplete and impossible guests") {
    auto bad = [](auto change) {
        auto options = minimal();
        change(options);
        return failing([&] { complete_spec(options); });
    };
    CHECK(bad([](auto& o) { o.name.reset(); }) == "2: the guest has no name");
    CHECK(bad([](auto& o) { o.name = "a/b"; }) == "2: bad guest name 'a/b'");
    CHECK(bad([](auto& o) { o.kernel.reset(); }) == "2: no kernel given");
    CHECK(bad([](auto& o) { o.kernel = ""; }) == "2: no kernel given");
    CHECK(bad([](auto& o) { o.memory = 512; }) == "2: too little memory: 512 B");
    CHECK(bad([](auto& o) { o.memory = 33ull << 20; }) ==
          "2: bad memory size: 33 MiB is not a multiple of 2 MiB");
    CHECK(bad([](auto& o) { o.memory = 1ull << 50; }) ==
          "2: too much memory: 1024 TiB is beyond what the guest kernel can address");
    CHECK(bad([](auto& o) { o.vcpus = 0; }) == "2: bad number of vCPUs: 0");
    CHECK(bad([](auto& o) { o.vcpus = 65; }) == "2: bad number of vCPUs: 65");
    CHECK(bad([](auto& o) { o.cmdline = "a\nb"; }) ==
          "2: bad value for cmdline: it contains the control character 0x0a");
    CHECK(bad([](auto& o) {
              o.disks.emplace(63, DiskSpec{"a", false, ""});
              o.interfaces.emplace(1, NetSpec{});
          }) == "2: too many devices: 63 disks and 1 network interfaces");
    CHECK(bad([](auto& o) { o.interfaces.emplace(64, NetSpec{}); }) ==
          "2: too many devices: 0 disks and 64 network interfaces");
    CHECK(bad([](auto& o) {
              o.disks.emplace(64, DiskSpec{"a", false, ""});
              o.interfaces.emplace();
          }) == "2: too many devices: 64 disks and 0 network interfaces");
}

TEST_CASE("the stronger source wins, key by key") {
    SpecOptions weak = minimal(), strong;
    weak.memory = 64ull << 20;
    weak.disks = {{{"/a", false, ""}, {"/b", false, ""}}};
    strong.memory = 128ull << 20;
    strong.disks = {{{"/c", false, ""}}};
    weak.interfaces = parse_nets({"user", "user,restrict"});
    strong.interfaces = parse_nets({"user,link=down"});
    weak.override_with(strong);
    auto const spec = complete_spec(weak);
    CHECK(spec.memory == 128ull << 20);
    CHECK(spec.kernel == std::filesystem::absolute("/vmlinux"));
    REQUIRE(spec.disks.size() == 1);
    CHECK(spec.disks[0].path == std::filesystem::absolute("/c"));
    REQUIRE(spec.interfaces.size() == 1);
    CHECK_FALSE(spec.interfaces[0].link_up);
}

TEST_CASE("a description survives the hand-over, a damaged one does not") {
    auto options = minimal();
    options.disks = {{{"/a,b", true, "s"}}};
    options.interfaces = parse_nets({"user,restrict,link=down,forward=udp:0.0.0.0:53-5353", "user"});
    options.reboot = false;
    auto const spec = complete_spec(options);
    CHECK(spec_from_json(to_json(spec)) == spec);
    auto json = to_json(spec);
    json.erase("memory");
    CHECK(failing([&] { spec_from_json(json); }).starts_with("2: bad guest description"));
    json = to_json(spec);
    json["interfaces"][0]["portForward"][0]["start"] = 0;
    CHECK(failing([&] { spec_from_json(json); }).starts_with("2: bad forward"));
    json = to_json(spec);
    json["disks"] = 5;
    CHECK(failing([&] { spec_from_json(json); }).starts_with("2: bad guest description"));
}
