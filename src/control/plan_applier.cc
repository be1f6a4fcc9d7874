#include "control/plan_applier.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "control/job_controller.h"

namespace trainyard::control {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

// Jobs that one plan looks at: a longer queue costs a pass nothing.
constexpr size_t kQueuedPerPlan = 64;

bool HasRoom(const LiveJobs& jobs, const sched::Need& need) {
  sched::Need counted = sched::CountedNeed(jobs.machine(), need);
  return (counted.cpu_milli <= 0 || counted.cpu_milli <= jobs.free().cpu_milli) &&
         (counted.memory_bytes <= 0 || counted.memory_bytes <= jobs.free().memory_bytes);
}

// Of a job in the queue with so many ahead of it.
std::string WhatWaits(const LiveJobs& jobs, size_t ahead, absl::Time now) {
  if (ahead == 0) return sched::Explain(jobs.SnapshotOf(1, now), jobs.head()->name, now).summary;
  return absl::StrCat("Waits in the queue: ", ahead, ahead == 1 ? " job is" : " jobs are",
                      " ahead of it.");
}

bool IsQueued(const LiveJob* job) { return job != nullptr && job->state == v1::JOB_STATE_QUEUED; }

}  // namespace

int ApplyPlan(const sched::Plan& plan, Batch& batch) {
  int applied = 0;
  for (const std::string& name : plan.never) {
    const LiveJob* job = batch.jobs().Find(name);
    if (!IsQueued(job)) continue;
    std::string why = sched::WhyNever(batch.jobs().machine(), job->need);
    if (why.empty()) continue;
    batch.Change(name,
                 [&](JobEdit& edit) { FoldRefusal(edit, why, batch.moment(), batch.journal()); });
    ++applied;
  }
  for (const std::string& name : plan.placed) {
    const LiveJob* job = batch.jobs().Find(name);
    if (!IsQueued(job) || !HasRoom(batch.jobs(), job->need)) break;
    batch.Change(name,
                 [&](JobEdit& edit) { FoldPlacement(edit, batch.moment(), batch.journal()); });
    ++applied;
  }
  return applied;
}

bool CanPlan(const LiveJobs& jobs) {
  if (jobs.head() == nullptr) return false;
  const sched::Need& need = jobs.head()->need;
  return HasRoom(jobs, need) || !sched::WhyNever(jobs.machine(), need).empty();
}

void PlanAll(Batch& batch) {
  absl::Time now = batch.moment().now;
  while (CanPlan(batch.jobs())) {
    if (ApplyPlan(sched::MakePlan(batch.jobs().SnapshotOf(kQueuedPerPlan, now), now), batch) == 0) {
      return;
    }
  }
}

void NoteWaiting(Batch& batch) {
  std::vector<std::string> waiting;
  for (const std::string& name : batch.created()) {
    if (IsQueued(batch.jobs().Find(name))) waiting.push_back(name);
  }
  size_t ahead = batch.jobs().queued() - waiting.size();
  for (const std::string& name : waiting) {
    std::string text = WhatWaits(batch.jobs(), ahead++, batch.moment().now);
    batch.Change(name, [&](JobEdit& edit) { edit.record.mutable_status()->set_what_waits(text); });
    batch.journal().Say(name.substr(name.rfind('/') + 1), text);
  }
}

}  // namespace trainyard::control
