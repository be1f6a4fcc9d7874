#include "sched/planner.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sched/blockers.h"
#include "sched/resource_text.h"

namespace trainyard::sched {

Need CountedNeed(const Machine& machine, const Need& need) {
  if (machine.placement == Placement::kStrict) return need;
  return {.cpu_milli = 0,
          .memory_bytes = std::min(need.memory_bytes, machine.capacity.memory_bytes)};
}

Need FreeOf(const Snapshot& snapshot) {
  Need free = snapshot.machine.capacity;
  for (const RunningJob& job : snapshot.running) {
    free = Minus(free, CountedNeed(snapshot.machine, job.need));
  }
  return free;
}

std::string WhyNever(const Machine& machine, const Need& need) {
  if (Fits(CountedNeed(machine, need), machine.capacity)) return "";
  std::string asked, has;
  if (need.cpu_milli > machine.capacity.cpu_milli) {
    absl::StrAppend(&asked, CpuText(need.cpu_milli), " cpu");
    absl::StrAppend(&has, CpuText(machine.capacity.cpu_milli), " cpu");
  }
  if (need.memory_bytes > machine.capacity.memory_bytes) {
    absl::StrAppend(&asked, asked.empty() ? "" : " and ", MemoryText(need.memory_bytes));
    absl::StrAppend(&has, has.empty() ? "" : " and ", MemoryText(machine.capacity.memory_bytes));
  }
  return absl::StrCat("The job needs ", asked, "; this machine has ", has,
                      " in all, so it can never start. Choose a machine type of at most ",
                      CpuText(machine.capacity.cpu_milli), " cpu and ",
                      MemoryText(machine.capacity.memory_bytes),
                      ", or start the server with placement: share.");
}

Plan MakePlan(const Snapshot& snapshot, absl::Time now) {
  Plan plan;
  Need free = FreeOf(snapshot);
  const QueuedJob* head = nullptr;
  std::vector<RunningJob> holders;
  for (const QueuedJob& job : snapshot.queued) {
    Need counted = CountedNeed(snapshot.machine, job.need);
    if (!Fits(counted, snapshot.machine.capacity)) {
      plan.never.push_back(job.name);
    } else if (head == nullptr && Fits(counted, free)) {
      plan.placed.push_back(job.name);
      free = Minus(free, counted);
      holders.push_back({job.name, job.need, now, now + job.timeout});
    } else if (head == nullptr) {
      head = &job;
    }
  }
  if (head != nullptr) {
    holders.insert(holders.end(), snapshot.running.begin(), snapshot.running.end());
    plan.head_blockers = ResourceBlockers(snapshot.machine, holders, free, head->need);
  }
  return plan;
}

}  // namespace trainyard::sched
