// What crun and the runner are told about a replica. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "control/runtime.h"
#include "runtime/local/cgroup_layout.h"
#include "runtime/local/images.h"
#include "runtime/local/networks.h"
#include "runtime/local/replica_files.h"
#include "trainyard/runner/v1/runner.pb.h"

namespace trainyard::runtime {

// A bucket of the job's project, bound at /gcs/<name>.
struct BucketMount {
  std::string name;
  std::string host_directory;
};

// How processors of a machine smaller than what its jobs ask for are dealt out.
enum class Placement {
  kShare,   // by weight; an idle machine is all one job's
  kStrict,  // never more than the machine type has
};

// What is the same for every replica of this server.
struct BundleSettings {
  Placement placement = Placement::kShare;
  std::string seccomp_base64;  // empty: no filter (tests only)
  uint32_t uid_base = 100'000;
  uint32_t uid_count = 65'536;
  int64_t processes_max = 32'768;    // at most, whatever the machine type; threads count
  std::string init_layer;            // holds /.trainyard/init, process 1 of every job
  std::string mount_namespace_path;  // where cgroups need one mount hidden from crun; else empty
  std::string crun_path;
  std::string log_root;
  uint64_t log_bytes_max = uint64_t{1} << 30;
  // Of every job: proxy, certificates, package index. The job's own variables win.
  std::vector<std::pair<std::string, std::string>> environment;
  // Into every job's /etc/hosts: address, name.
  std::vector<std::pair<std::string, std::string>> hosts;
};

struct BundleInput {
  const BundleSettings& settings;
  const control::DesiredReplica& replica;
  const PreparedImage& image;
  const std::vector<std::string>& package_command;  // of a python_package_spec
  const std::vector<BucketMount>& buckets;
  const Network& network;
  const CgroupLayout& cgroups;
  ReplicaFiles files;
};

// Entry point, command and arguments, by the rules of Docker and Kubernetes. INVALID_ARGUMENT when
// there is nothing to run.
absl::StatusOr<std::vector<std::string>> CommandOf(const BundleInput& input);

// "NAME=value", each name once: the image's, the settings', the job's; the later wins.
std::vector<std::string> EnvironmentOf(const BundleInput& input);

absl::StatusOr<std::string> WriteConfig(const BundleInput& input);
trainyard::runner::v1::ReplicaSpec WriteSpec(const BundleInput& input);

}  // namespace trainyard::runtime
