// SPDX-License-Identifier: GPL-2.0-only
// What people of each operating system call things, for messages that are the same otherwise.
#pragma once

namespace coop::ctl::words {

extern char const* const administrator;        // who may control guests
extern char const* const become_administrator; // how to be one
extern char const* const load_driver;          // what to do while it is not there
extern char const* const no_fred;              // how to boot without FRED
extern char const* const defragment;           // how to get contiguous memory

} // namespace coop::ctl::words
