// Replicas on this machine, whatever the machine is made of: see runtime/runtime.h for the real
// one.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/executor.h"
#include "control/runtime.h"
#include "runtime/local/replica_steps.h"

namespace trainyard::runtime {

struct LocalParts {
  base::Executor& executor;                      // the runtime's own: its state lives there
  std::function<bool(base::Task)> run_blocking;  // false: busy, try again
  const base::Clock& clock;
  StepTools tools;
  std::string replicas_directory;
  // A line for the job's log, while its image is being made. May be null. Threads: any.
  std::function<void(const std::string& job_id, const std::string& text)> job_line;
};

// Destroyed first: then it posts nothing any more. What it posted before still uses `parts`: they
// live until the executor and the workers have run it. Replicas run on without it.
std::unique_ptr<control::Runtime> CreateLocalRuntime(LocalParts parts);

}  // namespace trainyard::runtime
