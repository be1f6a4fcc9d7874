// Where the server is and as whom we call it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "google/protobuf/message.h"

namespace trainyard::cli {

// What every command needs. Each value comes from its flag, else its environment variable, else the
// file that the server of this machine writes: DATA/client.json.
struct Target {
  std::string endpoint;     // "127.0.0.1:8443"; TRAINYARD_ENDPOINT
  std::string ca_file;      // TRAINYARD_CA
  std::string credentials;  // service-account key file; GOOGLE_APPLICATION_CREDENTIALS
  std::string project;      // TRAINYARD_PROJECT
  std::string location;     // TRAINYARD_LOCATION
  std::string ca_bundle;    // merged: the system's and ours
  std::string data_directory;

  // "projects/P/locations/L"
  std::string Parent() const;
};

// "/var/lib/trainyard" for root, "$HOME/.local/share/trainyard" else; TRAINYARD_DATA wins.
std::string DefaultDataDirectory();

// Fills what is empty. NOT_FOUND with what to do when no server is known.
absl::Status CompleteTarget(const std::map<std::string, std::string>& environment, Target& target);

// The file that the server writes for its machine's clients.
std::string ClientFileJson(const Target& target);

// A self-signed bearer token (RS256) of the key in a service-account key file.
absl::StatusOr<std::string> SignToken(const std::string& key_file_json, absl::Time now);

// One channel. Threads: any.
class ApiClient {
 public:
  virtual ~ApiClient() = default;
  // `method`: "google.cloud.aiplatform.v1.JobService/GetCustomJob". Errors carry the server's code
  // and message; UNAVAILABLE says where nothing answered and how to start a server.
  virtual absl::Status Call(const std::string& method, const google::protobuf::Message& request,
                            google::protobuf::Message& response) = 0;
  // "Bearer ..." for HTTP requests beside the channel.
  virtual absl::StatusOr<std::string> Authorization() = 0;
};

absl::StatusOr<std::unique_ptr<ApiClient>> Connect(const Target& target, const base::Clock& clock);

}  // namespace trainyard::cli
