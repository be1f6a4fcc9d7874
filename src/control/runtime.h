// What control asks of whatever runs replicas. Implemented by runtime/local (and later slurm,
// kubernetes).
//
// Level-triggered: control says which replicas should exist, the runtime makes it so and reports
// what it sees. A replica absent from the desired set is stopped (SIGTERM, grace, SIGKILL) and
// everything of it is removed.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/cloud/aiplatform/v1/custom_job.pb.h"
#include "trainyard/runner/v1/runner.pb.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::control {

// One replica of one attempt: all that is needed to start it.
struct DesiredReplica {
  std::string replica_id;  // "<job id>-<attempt>-<pool>-<index>": never used again
  std::string job_id;
  std::string project;
  std::string location;
  std::string task_name;  // "workerpool0-0"
  std::string host_name;
  google::cloud::aiplatform::v1::WorkerPoolSpec pool;            // image, command, args, machine
  std::vector<std::pair<std::string, std::string>> environment;  // complete and expanded, in order
  trainyard::store::v1::ReplicaNeed need;
  std::string base_output_directory;  // "gs://bucket/dir/"; empty: none
  bool stop = false;                  // stop it with grace, keep reporting until it is gone
  absl::Duration stop_grace = absl::Seconds(30);
};

struct Observation {
  enum class Kind {
    kRunning,  // the user's process was executed
    kExited,   // `exit` is set
    kFailed,   // could not be started: `failure` says why, its code decides whether it is permanent
    kLost,     // its runner vanished without an exit record
    kGone,     // every trace of it is removed: it may be forgotten. The next attempt waits for it.
  };
  Kind kind = Kind::kRunning;
  std::string replica_id;
  absl::Time time;
  trainyard::runner::v1::ExitRecord exit;
  absl::Status failure;
};

// Threads: SetDesired from the engine's thread; CheckImage and `observe` are called from any
// thread.
class Runtime {
 public:
  virtual ~Runtime() = default;
  // Before the first SetDesired. Adopts replicas that an earlier server started: each is observed
  // again, as if new, once SetDesired names it; those never named are removed.
  virtual absl::Status Start(absl::AnyInvocable<void(Observation)> observe) = 0;
  // The complete desired set. Returns at once; the work happens elsewhere. A replica is dropped
  // from the set only after it was observed kExited, kFailed, kLost, or when it must be killed at
  // once.
  virtual void SetDesired(std::vector<DesiredReplica> replicas) = 0;
  // Checks at creation of a job what would fail later for sure: the image's name is malformed, and
  // the like.
  virtual absl::Status CheckImage(const std::string& image_uri) = 0;
};

}  // namespace trainyard::control
