// The server's configuration: one struct, from a YAML file and flags. A flag wins over the file.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/machine_types.h"

namespace trainyard::bin {

struct ServerConfig {
  std::string data_directory;   // everything that must survive
  std::string cache_directory;  // images and environments; may be deleted while the server is down
  std::string listen = "127.0.0.1:8443";
  std::vector<std::string> names;  // further host names and addresses of the server's certificate
  std::string certificate;         // own certificate chain and key; both or neither
  std::string private_key;
  std::string placement = "share";     // "share" or "strict"
  std::vector<std::string> projects;   // empty: any
  std::vector<std::string> locations;  // empty: every region of Google's
  std::string default_project = "trainyard";
  std::string default_location = "us-central1";
  std::string egress = "internet";        // of jobs: "internet" or "none"
  std::vector<std::string> egress_allow;  // private ranges that jobs may reach, "10.1.0.0/16"
  std::string debian_mirror;              // for the base file system; empty: the machine's sources
  std::vector<std::string> job_environment;  // "NAME=value" in every job: package index, proxy
  std::string ca_bundle = "/etc/ssl/certs/ca-certificates.crt";  // what jobs trust
  std::vector<model::MachineType> machine_types;                 // the site's own
  double cpus = 0;                             // what the machine offers to jobs; 0: all it has
  uint64_t memory_bytes = 0;                   // 0: all but a tenth
  uint64_t log_bytes_max = uint64_t{1} << 30;  // of one task
  uint32_t uid_base = 100000;
};

// "/var/cache/trainyard" for root, "$HOME/.cache/trainyard" else.
std::string DefaultCacheDirectory();
// The data and cache directories where they are not given.
void FillDefaultPaths(ServerConfig& config);

// Reads the YAML file over `config`; an empty path is OK. NOT_FOUND names the file.
absl::Status LoadConfigFile(const std::string& path, ServerConfig& config);

// Reads the YAML text over `config`. INVALID_ARGUMENT names the line and the known keys for an
// unknown one.
absl::Status ApplyYaml(absl::string_view text, ServerConfig& config);

// Everything that can be checked without the machine. INVALID_ARGUMENT says which key and what it
// may be.
absl::Status CheckConfig(const ServerConfig& config);

// "4", "0.1" cpu; "16GiB", "512MiB", "2G" bytes.
absl::StatusOr<int64_t> ParseCpuMilli(absl::string_view text);
absl::StatusOr<int64_t> ParseBytes(absl::string_view text);

}  // namespace trainyard::bin
