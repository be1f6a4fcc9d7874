// `trainyard exec -- COMMAND`: Google's host names lead to the server, for one command.
//
// The command gets a hosts file, a resolver configuration and a CA bundle of its own
// (private_mounts.h), its connections to those names are led to the server (connect_redirect.h),
// and its environment carries the key (environment.h). Three processes: this one waits and passes
// signals on; the supervisor, its child, lives as long as any process of the command; the command.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/environment.h"

namespace trainyard::cli {

struct ExecOptions {
  std::vector<std::string> command;      // looked up in the PATH of `environment`
  std::vector<std::string> environment;  // "NAME=value": Applied(ExecEnvironmentOf(...))
  std::string endpoint;                  // "127.0.0.1:8443"
  std::string ca_bundle;                 // file: the merged bundle
};

// Runs it to its end: its exit code, 128 + signal when a signal ended it. Within another `trainyard
// exec` the names lead to the server already: the command is just run. Call with one thread.
// NOT_FOUND: no such command. UNAVAILABLE: nothing answers at the endpoint. FAILED_PRECONDITION
// says what this machine would have to allow.
absl::StatusOr<int> RunExec(const ExecOptions& options);

// The same with the environment of `trainyard exec`. `current`: the variables now.
absl::StatusOr<int> Exec(const Target& target, const Variables& current,
                         const std::vector<std::string>& command);

}  // namespace trainyard::cli
