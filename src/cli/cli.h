// The command line: a plain client of the public and admin APIs. The front door of this folder.
#pragma once

#include <string>

#include "cli/connection.h"
#include "cli/session.h"

namespace CLI {
class App;
}

namespace trainyard::cli {

// Options that every client command takes, and all client commands. `session` outlives the parse;
// afterwards session.action runs the chosen command.
void AddClientCommands(CLI::App& app, Session& session);

// A bash completion script of every command and flag of `app`.
std::string BashCompletion(const CLI::App& app);

}  // namespace trainyard::cli
