// What leads Google's clients to this server: the variables of `trainyard env` and of `trainyard
// exec`. Pure functions.
//
// How each client proves who it is:
// - Python SDK, Node, Go, gRPC: sign their own tokens with the key that
//   GOOGLE_APPLICATION_CREDENTIALS names.
// - google-cloud-storage, by itself or within the SDK: the same key, exchanged at the token
// endpoint
//   that it names. API_ENDPOINT_OVERRIDE leads it here; under STORAGE_EMULATOR_HOST a client that
//   is given no credentials sends none, and the SDK's own staging code gives none.
// - gcloud: exchanges the key at CLOUDSDK_AUTH_TOKEN_HOST (it does not read the key file's own
//   token_uri) and keeps the token till it expires. Better than a file of tokens: nothing has to
//   renew it, and it works from another machine.
// - curl: a token in a header, made by gcloud or read from DATA/access-token.
//
// GOOGLE_CLOUD_PROJECT is not among the variables of `env`: where it is set, the Python SDK asks
// the Resource Manager at Google for the project, at an address that no variable changes, and waits
// up to a minute. Without it, the SDK takes the project of the key file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/connection.h"

namespace trainyard::cli {

using Variables = std::map<std::string, std::string>;

struct ClientEnvironment {
  Variables set;
  // Would lead a client elsewhere; only those that are set now.
  std::vector<std::string> unset;
};

// For a shell whose clients are told of the endpoint. `current`: the shell's variables now.
ClientEnvironment EnvironmentOf(const Target& target, const Variables& current);

// For a command under `trainyard exec`: it dials Google's names, so that nothing is told of an
// endpoint. GOOGLE_CLOUD_PROJECT is set unless it is already.
ClientEnvironment ExecEnvironmentOf(const Target& target, const Variables& current);

// `current` with the changes made, as "NAME=value", sorted.
std::vector<std::string> Applied(const ClientEnvironment& environment, const Variables& current);

// For `eval "$(trainyard env)"`, with a comment on each client. For any POSIX shell.
std::string RenderExports(const Target& target, const ClientEnvironment& environment);
// One JSON object: name to value.
std::string RenderJson(const ClientEnvironment& environment);
// Takes back what RenderExports did: for `eval "$(trainyard env --unset)"`.
std::string RenderUnset(const Target& target, const Variables& current);

// In single quotes where the shell needs them.
std::string ShellQuoted(absl::string_view text);

// "host:port" or "[::1]:port" -> host without brackets, port (443 where there is none).
struct HostAndPort {
  std::string host;
  int port = 443;
};
HostAndPort SplitEndpoint(absl::string_view endpoint);

}  // namespace trainyard::cli
