// SPDX-License-Identifier: GPL-2.0-only
// TOML to SpecOptions. toml++ keeps the source position of every node, which is what makes file:line
// possible.
#include "spec/config_file.hpp"

#include "failure.hpp"
#include "spec/name.hpp"
#include "spec/size.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <toml++/toml.h>

namespace coop::ctl {

namespace {

constexpr std::size_t config_most = 1 << 20; // bytes; anything larger is not a configuration file

class Reader {
public:
    explicit Reader(std::filesystem::path const& file) : file_(file) {}

    SpecOptions read(toml::table const& table) {
        SpecOptions options;
        for (auto const& [key, node] : table) {
            auto const line = key.source().begin.line;
            at_line(line, [&, &name = key, &value = node] { read_key(options, name.str(), value); });
        }
        return options;
    }

private:
    // A complaint about a value gets the position of the value.
    template <typename Function>
    auto at_line(toml::source_index line, Function&& function) -> decltype(function()) {
        try {
            return function();
        } catch (Located const&) {
            throw;
        } catch (Failure const& failure) {
            throw Located(fmt::format("{}:{}: {}", file_.string(), line, failure.what()), failure.advice());
        }
    }

    struct Located : Failure {
        Located(std::string const& what, std::string advice)
            : Failure(ExitCode::usage, what, std::move(advice)) {}
    };

    template <typename T>
    T expect(toml::node const& node, std::string_view key, char const* form) {
        if (auto const value = node.value_exact<T>()) {
            return *value;
        }
        throw Failure(ExitCode::usage, fmt::format("bad value for '{}'", key),
                      fmt::format("write {} = {}", key, form));
    }

    std::string path(toml::node const& node, std::string_view key) {
        auto const text = expect<std::string>(node, key, "\"PATH\"");
        return text.empty() ? text : (std::filesystem::absolute(file_).parent_path() / text).string();
    }

    void read_key(SpecOptions& options, std::string_view key, toml::node const& node) {
        if (key == "name") {
            options.name = expect<std::string>(node, key, "\"NAME\"");
            check_name(*options.name);
        } else if (key == "memory") {
            options.memory =
                check_memory(parse_size(expect<std::string>(node, key, "\"512M\", with the quotes")));
        } else if (key == "kernel") {
            options.kernel = check_text("kernel", path(node, key));
        } else if (key == "initrd") {
            options.initrd = check_text("initrd", path(node, key));
        } else if (key == "cmdline") {
            options.cmdline = check_text("cmdline", expect<std::string>(node, key, "\"TEXT\""));
        } else if (key == "vcpus") {
            options.vcpus = check_vcpus(expect<std::int64_t>(node, key, "1"));
        } else if (key == "no-reboot") {
            options.reboot = !expect<bool>(node, key, "true");
        } else if (key == "disk") {
            options.disks = read_list<DiskSpec>(node, key, "path=IMAGE",
                                                [&](toml::node const& each) { return read_disk(each); });
        } else if (key == "net") {
            options.interfaces = read_nets(node);
        } else {
            throw Failure(ExitCode::usage, fmt::format("unknown key '{}'", key),
                          "known keys: name memory kernel initrd cmdline vcpus no-reboot disk net");
        }
    }

    // An array of sections or of texts.
    template <typename T>
    std::vector<T> read_list(toml::node const& node, std::string_view key, char const* form,
                             std::function<T(toml::node const&)> const& read) {
        auto const* array = node.as_array();
        if (array == nullptr) {
            throw Failure(ExitCode::usage, fmt::format("bad value for '{}'", key),
                          fmt::format("write a [[{}]] section for each, or {} = [\"{}\"]", key, key, form));
        }
        std::vector<T> list;
        for (auto const& element : *array) {
            list.push_back(at_line(element.source().begin.line, [&] { return read(element); }));
        }
        return list;
    }

    std::vector<NetSpec> read_nets(toml::node const& node) {
        if (node.value_exact<std::string>() == "none") {
            return {};
        }
        return read_list<NetSpec>(node, "net", "user",
                                  [&](toml::node const& each) { return read_net(each); });
    }

    NetSpec read_net(toml::node const& node) {
        if (auto const text = node.value_exact<std::string>()) {
            return parse_net(*text);
        }
        NetSpec net;
        bool typed = false;
        read_table(node, "net", "user[,mac=MAC]", [&](std::string_view name, toml::node const& element) {
            if (name == "type") {
                check_net_type(expect<std::string>(element, name, "\"user\""));
                typed = true;
            } else if (name == "mac") {
                net.mac = expect<std::string>(element, name, "\"52:54:00:12:34:56\"");
                parse_mac(net.mac);
            } else if (name == "forward") {
                net.forwards = read_list<PortForward>(
                    element, name, "tcp:127.0.0.1:2222-22", [&](toml::node const& each) {
                        return parse_forward(
                            expect<std::string>(each, "forward", "[\"tcp:127.0.0.1:2222-22\"]"));
                    });
            } else if (name == "restrict") {
                net.restricted = expect<bool>(element, name, "true");
            } else if (name == "link") {
                net.link_up = parse_link(expect<std::string>(element, name, "\"down\""));
            } else {
                throw Failure(ExitCode::usage, fmt::format("unknown key '{}' of a network", name),
                              "known keys: type mac forward restrict link");
            }
        });
        if (!typed) {
            throw Failure(ExitCode::usage, "a network has no type", "write type = \"user\"");
        }
        return net;
    }

    // Each key of a section; form is what may be there instead of one.
    void read_table(toml::node const& node, std::string_view key, char const* form,
                    std::function<void(std::string_view, toml::node const&)> const& read) {
        auto const* table = node.as_table();
        if (table == nullptr) {
            throw Failure(ExitCode::usage, fmt::format("bad value for '{}'", key),
                          fmt::format("write \"{}\"", form));
        }
        for (auto const& [name, value] : *table) {
            at_line(name.source().begin.line,
                    [&, text = name.str(), &element = value] { read(text, element); });
        }
    }

    DiskSpec read_disk(toml::node const& node) {
        DiskSpec disk;
        if (auto const text = node.value_exact<std::string>()) {
            disk = parse_disk(*text);
            disk.path = (std::filesystem::absolute(file_).parent_path() / disk.path).string();
            return disk;
        }
        read_table(node, "disk", "path=IMAGE[,readonly][,serial=TEXT]",
                   [&](std::string_view name, toml::node const& element) {
                       if (name == "path") {
                           disk.path = path(element, name);
                       } else if (name == "readonly") {
                           disk.readonly = expect<bool>(element, name, "true");
                       } else if (name == "serial") {
                           disk.serial = expect<std::string>(element, name, "\"TEXT\"");
                       } else {
                           throw Failure(ExitCode::usage, fmt::format("unknown key '{}' of a disk", name),
                                         "known keys: path readonly serial");
                       }
                   });
        return check_disk(disk);
    }

    std::filesystem::path file_;
};

} // namespace

SpecOptions parse_config(std::string_view text, std::filesystem::path const& file) {
    try {
        return Reader(file).read(toml::parse(text, file.string()));
    } catch (toml::parse_error const& error) {
        throw Failure(ExitCode::usage,
                      fmt::format("{}:{}: {}", file.string(), error.source().begin.line, error.description()),
                      "the file is TOML: KEY = VALUE lines, text in quotes");
    }
}

SpecOptions read_config_file(std::filesystem::path const& file) {
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored)) {
        throw Failure(ExitCode::usage, fmt::format("cannot read {}: it is a directory", file.string()),
                      "name the configuration file in it");
    }
    std::ifstream stream(file, std::ios::binary);
    std::string text(config_most + 1, '\0');
    if (!stream || !stream.read(text.data(), static_cast<std::streamsize>(text.size())).eof()) {
        if (stream && static_cast<std::size_t>(stream.gcount()) > config_most) {
            throw Failure(ExitCode::usage,
                          fmt::format("{} is too large for a configuration file", file.string()),
                          "name a TOML file");
        }
        throw Failure(ExitCode::usage, fmt::format("cannot read {}: {}", file.string(), std::strerror(errno)),
                      "check the path given to --config");
    }
    text.resize(static_cast<std::size_t>(stream.gcount()));
    return parse_config(text, file);
}

} // namespace coop::ctl
