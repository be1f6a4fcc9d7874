// Images: from the name in a job to directories that overlay into its root file system.
//
// An image is a pinned base (Debian, built once by mmdebstrap) and an environment layer (Python
// packages from a resolved lock). Both are content-addressed directories in the cache, complete or
// absent (made aside, renamed), and shared by every server of this machine. Their files belong to
// the job's user namespace: host owner = uid_base + owner inside.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/disk.h"
#include "base/process.h"
#include "google/cloud/aiplatform/v1/custom_job.pb.h"

namespace trainyard::runtime {

// What a container is made of. Immutable once prepared.
struct PreparedImage {
  std::vector<std::string> layers;       // overlay lower directories, topmost first
  std::vector<std::string> entrypoint;   // may be empty
  std::vector<std::string> command;      // the image's CMD
  std::vector<std::string> environment;  // "NAME=value"
  std::string working_directory;         // "/"
  uint32_t uid = 0, gid = 0;             // inside the user namespace
};

// Where a replica's executor writes the name of its stage, inside the container: a bind of
// ReplicaSpec.stage_path.
inline constexpr char kStageFile[] = "/run/trainyard/stage";

// Threads: any.
class Images {
 public:
  virtual ~Images() = default;
  // Makes the image ready; at once when it is. Blocks while it is built, minutes the first time;
  // `progress` gets a sentence a step. NOT_FOUND for a name that is in no catalogue (the message
  // lists what is), INVALID_ARGUMENT for a malformed one, UNAVAILABLE for a mirror or index that
  // cannot be reached.
  virtual absl::StatusOr<PreparedImage> Prepare(
      const std::string& image_uri, const std::function<void(const std::string&)>& progress) = 0;
  // The image when it is ready now, without any blocking work; NOT_FOUND otherwise.
  virtual absl::StatusOr<PreparedImage> FindPrepared(const std::string& image_uri) = 0;
  // Only what can be told from the name: INVALID_ARGUMENT when it is malformed.
  virtual absl::Status Check(const std::string& image_uri) = 0;
  // The argv that installs the packages of a python_package_spec and runs its module inside the
  // container. It writes its stage ("download", "install", "run") to kStageFile. Package URIs are
  // read below /gcs.
  virtual std::vector<std::string> PackageCommand(
      const google::cloud::aiplatform::v1::PythonPackageSpec& spec) = 0;
};

struct ImageOptions {
  std::string cache_directory;  // "/var/cache/trainyard"
  uint32_t uid_base = 100000;   // host uid of the container's root
  std::string mirror;           // Debian mirror for mmdebstrap; empty: the machine's own sources
  std::vector<std::string> index_environment;  // "NAME=value" for the installers: index, proxy, CA
  std::string ca_bundle;                       // PEM; what a job trusts; empty: Debian's own
  std::vector<std::string> job_environment;    // "NAME=value" in every job: index, proxy
};

// `disk` and `processes` outlive it.
std::unique_ptr<Images> CreateLocalImages(base::Disk& disk, base::Processes& processes,
                                          ImageOptions options);

}  // namespace trainyard::runtime
