// First start: secrets, the owner's account, and the files that this machine's clients read.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/random.h"
#include "bin/server_config.h"
#include "edge/identity.h"
#include "store/store.h"

namespace trainyard::bin {

// Where things lie below the data directory.
struct DataPaths {
  std::string root;

  std::string tls() const { return root + "/tls"; }
  std::string secrets() const { return root + "/secrets"; }
  std::string store() const { return root + "/store"; }
  std::string logs() const { return root + "/logs"; }
  std::string replicas() const { return root + "/replicas"; }
  std::string buckets() const { return root + "/buckets"; }
  std::string objects() const { return root + "/objects"; }
  std::string audit() const { return root + "/audit.jsonl"; }
  std::string owner_key() const { return root + "/owner-key.json"; }
  std::string ca_bundle() const { return root + "/ca-bundle.pem"; }
  std::string access_token() const { return root + "/access-token"; }
  std::string client_file() const { return root + "/client.json"; }
};

// Makes the directories, mode 0700. FAILED_PRECONDITION says when another server uses them.
absl::Status MakeDirectories(base::Disk& disk, const DataPaths& paths);

// 32 random bytes kept in secrets/NAME, mode 0600; made on the first call.
absl::StatusOr<std::string> LoadSecret(base::Disk& disk, base::Random& random,
                                       const DataPaths& paths, const std::string& name);

// "owner@PROJECT.iam.gserviceaccount.com"
std::string OwnerAccount(const ServerConfig& config);

// Loads the accounts; on the first start makes the owner's, with its key file. Before the engine
// starts.
absl::Status LoadAccounts(base::Disk& disk, const base::Clock& clock, base::Random& random,
                          const ServerConfig& config, const DataPaths& paths, int port,
                          store::Store& store, edge::AccountRegistry& registry);

// Writes what clients of this machine read: the merged CA bundle, client.json (last: its presence
// means that the server answers).
absl::Status WriteClientFiles(base::Disk& disk, const ServerConfig& config, const DataPaths& paths,
                              const std::string& endpoint);

// Writes a fresh access token of the owner's for clients that read one from a file; valid for an
// hour.
absl::Status WriteAccessToken(base::Disk& disk, const ServerConfig& config, const DataPaths& paths,
                              edge::AccountRegistry& registry);

// "HOST:PORT" that clients dial for what the server listens on: 0.0.0.0 and :: become 127.0.0.1.
std::string EndpointOf(const ServerConfig& config, int port);

}  // namespace trainyard::bin
