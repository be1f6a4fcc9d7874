// The jobs that live, in memory: their records as they are stored, the queue, what is held.
//
// A queued job is its serialized record and little more; only what is needed between two commits is
// ever parsed. Threads: the engine's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "control/runtime.h"
#include "google/cloud/aiplatform/v1/job_state.pb.h"
#include "sched/planner.h"

namespace trainyard::control {

// A replica of the current attempt, as the runtime is told of it.
struct LiveReplica {
  enum class Presence {
    kWanted,   // in the desired set
    kLeaving,  // dropped from it; its traces are being removed
    kGone,
  };
  std::shared_ptr<const DesiredReplica> desired;
  Presence presence = Presence::kWanted;
  bool stop = false;
};

struct LiveJob {
  std::string name;
  std::shared_ptr<const std::string> bytes;  // the serialized CustomJobRecord
  google::cloud::aiplatform::v1::JobState state =
      google::cloud::aiplatform::v1::JOB_STATE_UNSPECIFIED;
  uint64_t position = 0;  // in the queue: smaller is nearer to the head
  sched::Need need;
  absl::Time created;
  absl::Time started = absl::InfiniteFuture();
  absl::Time deadline = absl::InfiniteFuture();
  absl::Duration timeout = absl::InfiniteDuration();
  // Monotonic; the next attempt is not assigned before.
  absl::Duration not_before = -absl::InfiniteDuration();
  std::vector<LiveReplica> replicas;

  bool AllGone() const;
};

class LiveJobs {
 public:
  explicit LiveJobs(const sched::Machine& machine)
      : machine_(machine), free_(machine.capacity), cpu_free_(machine.capacity.cpu_milli) {}

  // Null when it does not live. Valid until the next Set or Erase of it.
  const LiveJob* Find(const std::string& name) const;
  // The name of the job that has this replica; empty: none.
  std::string JobOfReplica(const std::string& replica_id) const;
  // Puts the job in the place that its state tells: in the queue, or among those that hold
  // resources.
  void Set(LiveJob job);
  void Erase(const std::string& name);
  // Another serialized form of the same record; nothing happens when the job does not live.
  void SetBytes(const std::string& name, std::shared_ptr<const std::string> bytes);

  const sched::Machine& machine() const { return machine_; }
  // What placement may still use.
  const sched::Need& free() const { return free_; }
  // What a person calls free: on a shared machine cpu is nobody's for sure, but is used.
  sched::Need FreeForPeople() const { return {cpu_free_ < 0 ? 0 : cpu_free_, free_.memory_bytes}; }
  size_t queued() const { return queue_.size(); }
  // Jobs that have a place and have not ended.
  size_t CountRunning() const;
  // Null: nothing waits.
  const LiveJob* head() const;
  // Position of a job that goes to the end of the queue; when the last one there was created.
  uint64_t NextPosition() { return next_position_++; }
  absl::Time LastCreated() const;

  // The jobs that hold resources, by name, and the first `queued_max` of the queue.
  sched::Snapshot SnapshotOf(size_t queued_max, absl::Time now) const;
  // The same, with the queue up to `job` and no further.
  sched::Snapshot SnapshotUpTo(const LiveJob& job, absl::Time now) const;
  // Every replica that the runtime should have, by job name.
  std::vector<DesiredReplica> DesiredSet() const;

 private:
  void Index(const LiveJob& job);
  void Unindex(const LiveJob& job);
  void Hold(const LiveJob& job, int sign);

  const sched::Machine machine_;
  sched::Need free_;
  int64_t cpu_free_;
  uint64_t next_position_ = 1;
  std::map<std::string, LiveJob> jobs_;
  std::map<uint64_t, const LiveJob*> queue_;
  std::map<std::string, const LiveJob*> active_;
  std::map<std::string, std::string> job_of_replica_;
};

}  // namespace trainyard::control
