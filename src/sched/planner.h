// Placement as a pure function of a snapshot. The front door of this folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace trainyard::sched {

struct Need {
  int64_t cpu_milli = 0;
  int64_t memory_bytes = 0;
};

// share: a machine smaller than the type asked is shared: cpu is a weight and never a limit on how
// many run, memory is counted as min(type, what the machine has) and is real. strict: both are
// counted in full.
enum class Placement { kShare, kStrict };

struct Machine {
  Need capacity;
  Placement placement = Placement::kShare;
};

struct RunningJob {
  std::string name;
  Need need;
  absl::Time started;
  absl::Time deadline;  // when its timeout would end it; InfiniteFuture: unknown
};

struct QueuedJob {
  std::string name;
  Need need;
  absl::Time created;
  int priority = 0;
  absl::Duration timeout = absl::InfiniteDuration();  // of its run; for estimates
};

struct Snapshot {
  Machine machine;
  std::vector<RunningJob> running;  // everything that holds resources: PENDING, RUNNING, CANCELLING
  std::vector<QueuedJob> queued;    // in queue order
};

struct Blocker {
  std::string resource;  // "cpu", "memory", "queue"
  std::string text;
  int64_t needed = 0;
  int64_t free = 0;
  int64_t capacity = 0;
  std::vector<std::string> holders;
};

// What would start a waiting job at once: either of the two. Nothing when both are empty.
struct Change {
  std::vector<std::string> end;  // jobs, running or ahead in the queue, that would have to go
  Need ask_at_most;              // a need of the job itself that would fit
  bool may_ask_less = false;     // `ask_at_most` is set
};

struct Explanation {
  int position = 0;  // 1: head of the queue
  std::vector<Blocker> blockers;
  Change change;
  std::string smallest_change;  // `change` in words
  absl::Time estimated_start = absl::InfiniteFuture();
  bool can_ever_start = true;
  std::string summary;
};

struct Plan {
  std::vector<std::string> placed;  // jobs to start now, in this order
  std::vector<std::string> never;   // jobs that cannot ever fit (strict)
  std::vector<Blocker> head_blockers;
};

// FIFO: nothing overtakes the head. The same snapshot and time, the same plan; the order of
// `running` does not matter. A snapshot may hold only the first jobs of a longer queue: the plan is
// then the first part of the whole queue's.
Plan MakePlan(const Snapshot& snapshot, absl::Time now);

// What the machine counts for a need, under its placement.
Need CountedNeed(const Machine& machine, const Need& need);

// Why a job with this need can never start on this machine, and what to change; empty when it can.
std::string WhyNever(const Machine& machine, const Need& need);

// What no running job counts for. Below zero after the machine shrank.
Need FreeOf(const Snapshot& snapshot);

// All blockers of one job, from the same code. `name` is queued in the snapshot.
Explanation Explain(const Snapshot& snapshot, const std::string& name, absl::Time now);

}  // namespace trainyard::sched
