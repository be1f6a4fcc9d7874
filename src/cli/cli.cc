#include "cli/cli.h"

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace trainyard::cli {
namespace {

// One `case` arm a command: its own words, then those of the commands below it.
void AppendArms(const CLI::App& app, const std::string& path, std::string& script) {
  std::vector<std::string> words;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    words.push_back(command->get_name());
    AppendArms(*command, absl::StrCat(path, path.empty() ? "" : " ", command->get_name()), script);
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  absl::StrAppend(&script, "    '", path, "') words='", absl::StrJoin(words, " "), "' ;;\n");
}

}  // namespace

void AddClientCommands(CLI::App& app, Session& session) {
  app.add_option("--endpoint", session.target.endpoint,
                 "HOST:PORT of the server (TRAINYARD_ENDPOINT)");
  app.add_option("--credentials", session.target.credentials,
                 "Service-account key file (GOOGLE_APPLICATION_CREDENTIALS)");
  app.add_option("--ca", session.target.ca_file, "CA certificate of the server (TRAINYARD_CA)");
  app.add_option("--project", session.target.project, "Project (TRAINYARD_PROJECT)");
  app.add_option("--location,--region", session.target.location, "Location (TRAINYARD_LOCATION)");
  app.add_option("--data", session.target.data_directory,
                 "Data directory of the server on this machine (TRAINYARD_DATA)");
  app.add_option("--format", session.format, "table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}));
  AddRunCommand(app, session);
  AddJobsCommands(app, session);
  AddStorageCommands(app, session);
  AddKeysCommands(app, session);
  AddEnvironmentCommands(app, session);
}

std::string BashCompletion(const CLI::App& app) {
  std::string arms;
  AppendArms(app, "", arms);
  return absl::StrCat(R"(# bash completion of trainyard:  source <(trainyard completion)
_trainyard() {
  local word path= words
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) path="${path:+$path }$word" ;; esac
  done
  case $path in
)",
                      arms, R"(    *) words= ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _trainyard trainyard
)");
}

}  // namespace trainyard::cli
