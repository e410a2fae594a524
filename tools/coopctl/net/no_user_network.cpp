// SPDX-License-Identifier: GPL-2.0-only
// For hosts on which libslirp has not been built.
#include "net/user_network.hpp"

#include "failure.hpp"

namespace coop::ctl {

bool has_user_network() {
    return false;
}

std::unique_ptr<NetBackend> make_user_network(boost::asio::io_context&, NetSpec const&, std::size_t) {
    throw Failure(ExitCode::failure, "guests have no user-mode network on this host yet",
                  "start the guest without --net");
}

} // namespace coop::ctl
