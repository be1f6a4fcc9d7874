// How replicas run on this machine. The front door of this folder.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/executor.h"
#include "base/process.h"
#include "control/runtime.h"
#include "runtime/local/images.h"
#include "runtime/local/local_runtime.h"
#include "runtime/local/networks.h"

namespace trainyard::runtime {

struct MachineOptions {
  std::string state_directory;  // the server's; replicas live in STATE/replicas
  std::string instance;         // at most 8 of [a-z0-9]; empty: made from the state directory
  std::string runner_path;      // trainyard-runner
  std::string init_path;        // trainyard-init
  Egress egress = Egress::kInternet;
  NetworkOptions network;   // instance, uids and egress are set from here
  BundleSettings settings;  // crun's path, log root, placement; the rest is set from here
};

// What the wiring gives.
struct MachineWiring {
  base::Executor& executor;  // the runtime's own
  base::ThreadPool& workers;
  const base::Clock& clock;
  base::Disk& disk;
  base::Processes& processes;
  Images& images;
  GcsBuckets& buckets;
  std::function<void(const std::string& job_id, const std::string& text)> job_line;
};

// The runtime of this machine, and the parts that it works with. To end: Stop, then destroy
// executor and workers, then this, then the rest. Replicas run on.
class Machine {
 public:
  // FAILED_PRECONDITION says what the machine lacks.
  static absl::StatusOr<std::unique_ptr<Machine>> Create(MachineWiring wiring,
                                                         MachineOptions options);
  virtual ~Machine() = default;
  virtual control::Runtime& runtime() = 0;
  // Nothing is posted any more; runtime() must not be used again.
  virtual void Stop() = 0;
};

// Eight characters that tell servers on one machine apart.
std::string InstanceOf(const std::string& state_directory);

}  // namespace trainyard::runtime
