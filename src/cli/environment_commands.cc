#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/status.h"
#include "cli/environment.h"
#include "cli/exec.h"
#include "cli/session.h"

namespace trainyard::cli {
namespace {

absl::StatusOr<int> PrintEnvironment(Session& session, bool unset) {
  RETURN_IF_ERROR(CompleteTarget(session.environment, session.target));
  if (unset) {
    std::fputs(RenderUnset(session.target, session.environment).c_str(), stdout);
    return kExitOk;
  }
  ClientEnvironment environment = EnvironmentOf(session.target, session.environment);
  std::string text = session.OutputFormat() == Format::kJson
                         ? RenderJson(environment)
                         : RenderExports(session.target, environment);
  std::fputs(text.c_str(), stdout);
  return kExitOk;
}

absl::StatusOr<int> Execute(Session& session, const std::vector<std::string>& command) {
  RETURN_IF_ERROR(CompleteTarget(session.environment, session.target));
  ClientEnvironment environment = ExecEnvironmentOf(session.target, session.environment);
  return RunExec({.command = command,
                  .environment = Applied(environment, session.environment),
                  .endpoint = session.target.endpoint,
                  .ca_bundle = session.target.ca_bundle});
}

}  // namespace

void AddEnvironmentCommands(CLI::App& app, Session& session) {
  auto unset = std::make_shared<bool>(false);
  CLI::App* env = app.add_subcommand(
      "env", "Prints what leads Google's clients here:  eval \"$(trainyard env)\"");
  env->add_flag("--unset", *unset, "Prints what takes it back");
  env->callback([&session, unset] {
    session.action = Act([&session, unset] { return PrintEnvironment(session, *unset); });
  });

  auto command = std::make_shared<std::vector<std::string>>();
  CLI::App* exec = app.add_subcommand("exec",
                                      "Runs a command whose Google host names lead here:  "
                                      "trainyard exec -- python train_on_vertex.py");
  exec->add_option("COMMAND", *command, "The command and its arguments, after --")->required();
  exec->positionals_at_end(true);
  exec->callback([&session, command] {
    session.action = Act([&session, command] { return Execute(session, *command); });
  });
}

}  // namespace trainyard::cli
