// SPDX-License-Identifier: GPL-2.0-only
// The system's event log, where a service speaks.
#pragma once

#include <string>

namespace coop::ctl {

// Tells the event log where the messages' texts are, and takes that back. Throw Failure.
void register_event_source();
void unregister_event_source();

enum class EventKind { information, warning, error };
// Never fails: there is nobody to tell.
void report_event(EventKind kind, std::string const& text) noexcept;

} // namespace coop::ctl
