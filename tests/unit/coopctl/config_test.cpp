// SPDX-License-Identifier: GPL-2.0-only
// The configuration file: what it means, and file:line for each mistake.
#include "failing.hpp"
#include "spec/config_file.hpp"
#include "temporary_directory.hpp"

using namespace coop::ctl;

namespace {

SpecOptions parse(std::string_view text) {
    return parse_config(text, "/etc/g.toml");
}
// A path as the configuration's own directory makes it.
std::string in_etc(char const* name) {
    return (std::filesystem::absolute("/etc/g.toml").parent_path() / name).string();
}
std::string bad(std::string_view text) {
    return failing([&] { parse(text); });
}

} // namespace

TEST_CASE("a whole configuration") {
    auto const options = parse(R"(# a guest
name = "debian"
memory = "1G"
kernel = "vmlinux"
initrd = "/boot/initrd"
cmdline = "console=hvc0 quiet"
vcpus = 2
no-reboot = true
[[disk]]
path = "root,1.img"
serial = "root"
[[disk]]
path = "/b.img"
readonly = true
[[net]]
type = "user"
mac = "52:54:00:00:00:01"
forward = ["tcp:2222-22", "udp:53"]
[[net]]
type = "user"
restrict = true
link = "down"
)");
    CHECK(options.name == "debian");
    CHECK(options.memory == 1ull << 30);
    CHECK(options.kernel == in_etc("vmlinux"));
    CHECK(options.initrd == in_etc("/boot/initrd"));
    CHECK(options.cmdline == "console=hvc0 quiet");
    CHECK(options.vcpus == 2u);
    CHECK(options.reboot == false);
    REQUIRE(options.disks);
    CHECK(*options.interfaces == parse_nets({"user,mac=52:54:00:00:00:01,forward=tcp:2222-22,forward=udp:53",
                                             "user,restrict,link=down"}));
    CHECK(*options.disks ==
          std::vector<DiskSpec>{{in_etc("root,1.img"), false, "root"}, {in_etc("/b.img"), true, ""}});
}

TEST_CASE("networks in the short form, and none") {
    CHECK(*parse("net = [\"user,restrict\", \"user\"]\n").interfaces ==
          parse_nets({"user,restrict", "user"}));
    CHECK(parse("net = \"none\"\n").interfaces->empty());
    CHECK(parse("net = []\n").interfaces->empty());
}

TEST_CASE("disks in the short form") {
    auto const options = parse("disk = [\"path=a.img,readonly\"]\n");
    CHECK(*options.disks == std::vector<DiskSpec>{{in_etc("a.img"), true, ""}});
}

TEST_CASE("an empty file says nothing") {
    auto const options = parse("");
    CHECK_FALSE(options.name);
    CHECK_FALSE(options.disks);
    CHECK_FALSE(options.interfaces);
}

TEST_CASE("mistakes are reported with file and line") {
    CHECK(bad("kernel = \"k\"\nmemroy = \"1G\"\n") == "2: /etc/g.toml:2: unknown key 'memroy'");
    CHECK(bad("\nmemory = \"1X\"\n") == "2: /etc/g.toml:2: bad size '1X': unknown unit 'X'");
    CHECK(bad("memory = 512\n") == "2: /etc/g.toml:1: bad value for 'memory'");
    CHECK(bad("memory = \"3M\"\n") == "2: /etc/g.toml:1: too little memory: 3 MiB");
    CHECK(bad("vcpus = \"2\"\n") == "2: /etc/g.toml:1: bad value for 'vcpus'");
    CHECK(bad("vcpus = 0\n") == "2: /etc/g.toml:1: bad number of vCPUs: 0");
    CHECK(bad("vcpus = -9223372036854775808\n") ==
          "2: /etc/g.toml:1: bad number of vCPUs: -9223372036854775808");
    CHECK(bad("no-reboot = 1\n") == "2: /etc/g.toml:1: bad value for 'no-reboot'");
    CHECK(bad("kernel = [\"a\"]\n") == "2: /etc/g.toml:1: bad value for 'kernel'");
    CHECK(bad("cmdline = \"a\\nb\"\n") ==
          "2: /etc/g.toml:1: bad value for cmdline: it contains the control character 0x0a");
    CHECK(bad("name = \"../x\"\n") == "2: /etc/g.toml:1: bad guest name '../x'");
    CHECK(bad("disk = \"path=a\"\n") == "2: /etc/g.toml:1: bad value for 'disk'");
    CHECK(bad("disk = [\n \"path=a\",\n \"b\" ]\n") ==
          "2: /etc/g.toml:3: bad disk 'b': 'b' is not understood");
    CHECK(bad("disk = [ 5 ]\n") == "2: /etc/g.toml:1: bad value for 'disk'");
    CHECK(bad("[[disk]]\npath = \"a\"\nreadnoly = true\n") ==
          "2: /etc/g.toml:3: unknown key 'readnoly' of a disk");
    CHECK(bad("[[disk]]\nreadonly = true\n") == "2: /etc/g.toml:1: bad disk: it has no path");
    CHECK(bad("[[disk]]\npath = \"a\"\nreadonly = \"yes\"\n") ==
          "2: /etc/g.toml:3: bad value for 'readonly'");
}

TEST_CASE("mistakes about networks are reported with file and line") {
    CHECK(bad("net = \"user\"\n") == "2: /etc/g.toml:1: bad value for 'net'");
    CHECK(bad("net = [\n \"user\",\n \"tap\" ]\n") == "2: /etc/g.toml:3: unknown type of network 'tap'");
    CHECK(bad("net = [\"none\"]\n") == "2: /etc/g.toml:1: unknown type of network 'none'");
    CHECK(bad("net = [ 5 ]\n") == "2: /etc/g.toml:1: bad value for 'net'");
    CHECK(bad("[[net]]\nmac = \"52:54:00:00:00:01\"\n") == "2: /etc/g.toml:1: a network has no type");
    CHECK(bad("[[net]]\ntype = \"tap\"\n") == "2: /etc/g.toml:2: unknown type of network 'tap'");
    CHECK(bad("[[net]]\ntype = \"user\"\nmac = 5\n") == "2: /etc/g.toml:3: bad value for 'mac'");
    CHECK(bad("[[net]]\ntype = \"user\"\nmac = \"5\"\n") == "2: /etc/g.toml:3: bad MAC address '5'");
    CHECK(bad("[[net]]\ntype = \"user\"\nspeed = 1\n") ==
          "2: /etc/g.toml:3: unknown key 'speed' of a network");
    CHECK(bad("[[net]]\ntype = \"user\"\nforward = \"tcp:22\"\n") ==
          "2: /etc/g.toml:3: bad value for 'forward'");
    CHECK(bad("[[net]]\ntype = \"user\"\nforward = [\n\"tcp:22\",\n\"tcp\"]\n") ==
          "2: /etc/g.toml:5: bad forward 'tcp': it is neither tcp: nor udp:");
    CHECK(bad("[[net]]\ntype = \"user\"\nrestrict = \"no\"\n") ==
          "2: /etc/g.toml:3: bad value for 'restrict'");
    CHECK(bad("[[net]]\ntype = \"user\"\nlink = \"off\"\n") == "2: /etc/g.toml:3: bad link state 'off'");
}

TEST_CASE("duplicates and syntax errors are reported with file and line") {
    CHECK(bad("kernel = \"a\"\nkernel = \"b\"\n").starts_with("2: /etc/g.toml:2: "));
    CHECK(bad("kernel = \"a\"\n\nkernel \"b\"\n").starts_with("2: /etc/g.toml:3: "));
    CHECK(bad("kernel = \"a\n").starts_with("2: /etc/g.toml:1: "));
    CHECK(bad("a = \xff\n").starts_with("2: /etc/g.toml:1: "));
    CHECK(bad("a = " + std::string(10000, '[')).starts_with("2: /etc/g.toml:1: "));
    CHECK(bad(std::string_view("a = \0", 5)).starts_with("2: /etc/g.toml:1: "));
}

TEST_CASE("files that cannot be read") {
    TemporaryDirectory const directory;
    auto const missing = (directory.path() / "no.toml").string();
    CHECK(failing([&] { read_config_file(missing); }) ==
          "2: cannot read " + missing + ": No such file or directory");
    CHECK(failing([&] { read_config_file(directory.path()); }) ==
          "2: cannot read " + directory.path().string() + ": it is a directory");
    auto const large = directory.write("large.toml", std::string(2 << 20, '#'));
    CHECK(failing([&] { read_config_file(large); }) ==
          "2: " + large + " is too large for a configuration file");
    auto const good = directory.write("good.toml", "kernel = \"k\"\n");
    CHECK(read_config_file(good).kernel == (directory.path() / "k").string());
    auto const empty = directory.write("empty.toml", "");
    CHECK_FALSE(read_config_file(empty).kernel);
}
