// The engine: the only writer. The front door of this folder.
//
// One executor owns all mutable state. Commands queue; the engine drains the queue, commits one
// transaction, answers all. An answer means: it is on disk.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/random.h"
#include "control/runtime.h"
#include "google/cloud/aiplatform/v1/custom_job.pb.h"
#include "google/longrunning/operations.pb.h"
#include "model/machine_types.h"
#include "sched/planner.h"
#include "store/store.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::control {

using google::cloud::aiplatform::v1::CustomJob;

// Lines that the service itself writes into a job's log (task "service").
class JobLog {
 public:
  virtual ~JobLog() = default;
  // Threads: the engine's. Must not block on anything slower than a write(2).
  virtual void Write(const std::string& job_id, absl::Time time, bool error,
                     const std::string& text) = 0;
  // The job was deleted: its log goes too.
  virtual void Remove(const std::string& job_id) = 0;
};

struct EngineOptions {
  sched::Machine machine;
  absl::Duration plan_debounce = absl::Milliseconds(1);
  absl::Duration stop_grace = absl::Seconds(30);
  size_t command_queue_max = 10'000;
  // The longest that a commit waits for callers who are about to come; see control/command_queue.h.
  absl::Duration gather_max = absl::Milliseconds(2);
};

template <typename T>
using Reply = absl::AnyInvocable<void(absl::StatusOr<T>)>;

struct EngineStatus {
  sched::Need capacity, free;
  int64_t queued = 0, running = 0;
};

// Threads: any. Replies are called on the engine's thread, or, when the engine is too busy, stops,
// or can see at once that it must refuse, before the call returns. They must not block. The
// destructor answers what waits with UNAVAILABLE; nothing of the engine runs after it.
class Engine {
 public:
  // All references outlive the engine, but for `executor`, the engine's own, which may end first.
  struct Dependencies {
    base::Executor& executor;
    const base::Clock& clock;
    base::Random& random;
    store::Store& store;
    Runtime& runtime;
    JobLog& log;
    const model::MachineCatalog& machines;
  };
  static std::unique_ptr<Engine> Create(Dependencies dependencies, EngineOptions options);
  virtual ~Engine() = default;

  // Loads live jobs, hands the runtime what should run, plans. Once, before anything else.
  virtual absl::Status Start() = 0;

  // `job` is validated and has its defaults; `parent` is "projects/P/locations/L".
  virtual void CreateCustomJob(std::string parent, CustomJob job, std::string creator,
                               Reply<CustomJob> reply) = 0;
  // OK and nothing happens when it has ended. NOT_FOUND.
  virtual void CancelCustomJob(std::string name, Reply<bool> reply) = 0;
  // FAILED_PRECONDITION while it has not ended. The operation is done in the reply.
  virtual void DeleteCustomJob(std::string name, Reply<google::longrunning::Operation> reply) = 0;
  virtual void DeleteOperation(std::string name, Reply<bool> reply) = 0;
  virtual void Explain(std::string name, Reply<sched::Explanation> reply) = 0;
  virtual void GetStatus(Reply<EngineStatus> reply) = 0;
  // Writes records that no controller owns (accounts, settings), in the same order as everything
  // else.
  virtual void Put(store::Transaction transaction, Reply<bool> reply) = 0;

  // The job as it is now, from memory while it lives, else from the store. Blocks on the store
  // only. NOT_FOUND.
  virtual absl::StatusOr<CustomJob> GetCustomJob(const std::string& name) = 0;
};

}  // namespace trainyard::control
