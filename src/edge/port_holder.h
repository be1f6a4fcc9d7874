// Who listens on a port, for the message to a person whose port is taken.
#pragma once

#include <string>

namespace trainyard::edge {

// "nginx (pid 812)"; empty when it cannot be seen (another user's process).
std::string DescribePortHolder(int port);

}  // namespace trainyard::edge
