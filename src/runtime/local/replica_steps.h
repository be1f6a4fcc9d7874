// What is done for a replica before its process runs, in small steps that can each be undone.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/disk.h"
#include "base/process.h"
#include "control/runtime.h"
#include "runtime/local/bundle.h"
#include "runtime/local/cgroups.h"
#include "runtime/local/images.h"
#include "runtime/local/networks.h"
#include "runtime/local/replica_files.h"
#include "runtime/local/runners.h"

namespace trainyard::runtime {

// The buckets that a project's jobs see.
class GcsBuckets {
 public:
  virtual ~GcsBuckets() = default;
  // May block. Threads: any.
  virtual absl::StatusOr<std::vector<BucketMount>> List(const std::string& project) = 0;
};

// One replica on its way. Of one thread at a time.
struct ReplicaContext {
  control::DesiredReplica desired;
  ReplicaFiles files;
  PreparedImage image;
  Network network;
  base::ProcessIdentity runner;
};

// What the steps work with. Threads: any.
struct StepTools {
  base::Disk& disk;
  Images& images;
  GcsBuckets& buckets;
  Cgroups& cgroups;
  Networks& networks;
  Runners& runners;
  BundleSettings settings;
  Egress egress = Egress::kInternet;
};

// Undo is idempotent, and legal when Do failed, never ran, or ran in an earlier server.
class Step {
 public:
  virtual ~Step() = default;
  virtual const char* name() const = 0;
  virtual absl::Status Do(StepTools& tools, ReplicaContext& context) const = 0;
  virtual absl::Status Undo(StepTools& tools, ReplicaContext& context) const = 0;
};

// All of them, in order. The first is the replica's directory with its records, which stays until
// control has forgotten the replica.
const std::vector<const Step*>& ReplicaSteps();

// The steps in order, up to the first that fails.
absl::Status DoSteps(StepTools& tools, ReplicaContext& context);
// Everything but the directory, last step first. Stops at the first that fails: call it again.
absl::Status UndoSteps(StepTools& tools, ReplicaContext& context);
absl::Status UndoDirectory(StepTools& tools, ReplicaContext& context);

}  // namespace trainyard::runtime
