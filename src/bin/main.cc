// trainyard: the server and the command line in one program.
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "bin/doctor.h"
#include "bin/prepare.h"
#include "bin/serve.h"
#include "bin/server_config.h"
#include "cli/cli.h"

extern char** environ;

namespace trainyard::bin {
namespace {

struct ServeFlags {
  std::string config_file;
  ServerConfig flags;
};

void AddServe(CLI::App& app, cli::Session& session) {
  auto serve = std::make_shared<ServeFlags>();
  ServerConfig& flags = serve->flags;
  CLI::App* command = app.add_subcommand(
      "serve", "Runs the server:  trainyard serve --listen 0.0.0.0:8443 --san ml.lan");
  command->add_option("--config", serve->config_file, "YAML file; a flag wins over it");
  CLI::Option* data =
      command->add_option("--data", flags.data_directory, "Everything that must survive");
  CLI::Option* cache =
      command->add_option("--cache", flags.cache_directory, "Images and environments");
  CLI::Option* listen = command->add_option("--listen", flags.listen,
                                            "HOST:PORT (127.0.0.1:8443); port 0: a free one");
  CLI::Option* names = command->add_option("--san", flags.names,
                                           "Further name or address of the server's certificate");
  CLI::Option* placement =
      command->add_option("--placement", flags.placement,
                          "share: jobs share a machine smaller than their type; strict: they wait");
  CLI::Option* egress =
      command->add_option("--egress", flags.egress, "What jobs reach: internet or none");
  CLI::Option* projects = command->add_option("--projects", flags.projects, "Only these projects");
  command->callback([=, &session] {
    session.action = [=] {
      ServerConfig config;
      if (absl::Status status = LoadConfigFile(serve->config_file, config); !status.ok())
        return cli::Fail(status);
      const ServerConfig& given = serve->flags;
      if (*data) config.data_directory = given.data_directory;
      if (*cache) config.cache_directory = given.cache_directory;
      if (*listen) config.listen = given.listen;
      if (*names) config.names = given.names;
      if (*placement) config.placement = given.placement;
      if (*egress) config.egress = given.egress;
      if (*projects) config.projects = given.projects;
      FillDefaultPaths(config);
      if (absl::Status status = CheckConfig(config); !status.ok()) return cli::Fail(status);
      return Serve(config);
    };
  });
}

void AddLocalCommands(CLI::App& app, cli::Session& session) {
  auto images = std::make_shared<std::vector<std::string>>();
  auto config_file = std::make_shared<std::string>();
  CLI::App* prepare =
      app.add_subcommand("prepare", "Builds images ahead, so that the first job starts at once");
  prepare->add_option("IMAGE", *images, "Names, as jobs give them")->required();
  prepare->add_option("--config", *config_file, "The server's configuration file");
  prepare->callback(
      [=, &session] { session.action = [=] { return Prepare(*config_file, *images); }; });

  auto doctor = std::make_shared<DoctorOptions>();
  CLI::App* examine =
      app.add_subcommand("doctor", "Says what this machine lacks to run jobs, and how to mend it");
  examine->add_option("--config", doctor->config_file, "The server's configuration file");
  examine->add_option("--audit", doctor->audit_file, "Checks an audit file's chain instead");
  examine->callback([=, &session] { session.action = [=] { return Doctor(*doctor); }; });

  app.add_subcommand("version", "Prints the version")->callback([&session] {
    session.action = [] {
      std::printf("trainyard %s\n", TRAINYARD_VERSION);
      return cli::kExitOk;
    };
  });
  app.add_subcommand("completion",
                     "Prints a bash completion script:  source <(trainyard completion)")
      ->callback([&app, &session] {
        session.action = [&app] {
          std::fputs(cli::BashCompletion(app).c_str(), stdout);
          return cli::kExitOk;
        };
      });
}

std::map<std::string, std::string> ReadEnvironment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string text = *entry;
    size_t equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return variables;
}

int Main(int argc, char** argv) {
  umask(022);  // layers and buckets are read by other users; what is secret says so itself
  base::RealClock clock;
  cli::Session session(clock);
  session.environment = ReadEnvironment();
  CLI::App app{
      "Vertex AI custom training on your own machines. Start with:  trainyard doctor; trainyard "
      "serve"};
  app.require_subcommand(1);
  app.fallthrough();
  AddServe(app, session);
  cli::AddClientCommands(app, session);
  AddLocalCommands(app, session);
  try {  // CLI11 reports by exceptions
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    int code = app.exit(error);
    return code == 0 ? cli::kExitOk : cli::kExitUsage;
  }
  return session.action();
}

}  // namespace
}  // namespace trainyard::bin

int main(int argc, char** argv) { return trainyard::bin::Main(argc, argv); }
