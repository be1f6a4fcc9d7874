// `trainyard serve`: wires the house and runs it until SIGTERM or SIGINT.
#pragma once

#include "bin/server_config.h"

namespace trainyard::bin {

// Returns the exit code.
int Serve(const ServerConfig& config);

}  // namespace trainyard::bin
