// SPDX-License-Identifier: GPL-2.0-only
// Processes and rights, as far as coopctl needs them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace coop::ctl {

// First in main: lets the standard streams carry bytes as they are. Returns the words behind the program's
// name, in UTF-8.
std::vector<std::string> begin_process(int count, char** words);

std::int64_t own_process_id();
bool is_administrator();

// Where guests' sockets and locks live unless told otherwise: /run/coop, %ProgramData%\\coop\\run.
std::filesystem::path default_runtime_directory();
// Makes the directory if need be; throws Failure unless it is ours alone (owner, mode 0700 or an access list
// of administrators, no symbolic link).
void make_private_directory(std::filesystem::path const& directory);

// A detached child: own session, standard input and output are pipes to us, standard error goes to the null
// device or to the same pipe as the output.
class Child {
public:
    enum class Errors { dropped, with_output };
    virtual ~Child() = default; // closes the pipes, leaves the child running
    virtual std::int64_t id() const = 0;
    virtual void write_all(std::string const& data) = 0; // then closes the child's standard input
    enum class Read { data, end, timeout };
    // Appends to data what arrives within the time.
    virtual Read read_some(std::string& data, unsigned milliseconds) = 0;
};
// Starts this program anew with these arguments. Throws Failure.
std::unique_ptr<Child> spawn_self(std::vector<std::string> const& arguments,
                                  Child::Errors errors = Child::Errors::dropped);

// For the detached child, once it has reported: standard streams to the null device, so that nobody waits for
// them.
void drop_standard_streams();
// What tools like ps and top show for it; 15 characters at most.
void name_this_thread(std::string const& name);
// Writing to a pipe or socket that nobody reads is an error, not this process's end.
void ignore_broken_pipes();
// Blocks the signals that asio handles on the main thread; call on each other thread.
void block_signals_on_this_thread();

} // namespace coop::ctl
