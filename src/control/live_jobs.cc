#include "control/live_jobs.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "model/job_state.h"

namespace trainyard::control {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

bool Waits(const LiveJob& job) { return job.state == v1::JOB_STATE_QUEUED; }

}  // namespace

bool LiveJob::AllGone() const {
  return std::all_of(replicas.begin(), replicas.end(), [](const LiveReplica& replica) {
    return replica.presence == LiveReplica::Presence::kGone;
  });
}

const LiveJob* LiveJobs::Find(const std::string& name) const {
  auto job = jobs_.find(name);
  return job == jobs_.end() ? nullptr : &job->second;
}

std::string LiveJobs::JobOfReplica(const std::string& replica_id) const {
  auto job = job_of_replica_.find(replica_id);
  return job == job_of_replica_.end() ? "" : job->second;
}

void LiveJobs::Set(LiveJob job) {
  auto [entry, added] = jobs_.try_emplace(job.name);
  if (!added) Unindex(entry->second);
  entry->second = std::move(job);
  Index(entry->second);
}

void LiveJobs::Erase(const std::string& name) {
  auto job = jobs_.find(name);
  if (job == jobs_.end()) return;
  Unindex(job->second);
  jobs_.erase(job);
}

void LiveJobs::SetBytes(const std::string& name, std::shared_ptr<const std::string> bytes) {
  auto job = jobs_.find(name);
  if (job != jobs_.end()) job->second.bytes = std::move(bytes);
}

// A job that has ended is here only while traces of it are left, and holds its resources until
// then.
void LiveJobs::Index(const LiveJob& job) {
  if (Waits(job)) {
    queue_.emplace(job.position, &job);
    next_position_ = std::max(next_position_, job.position + 1);
    return;
  }
  active_.emplace(job.name, &job);
  Hold(job, -1);
  for (const LiveReplica& replica : job.replicas) {
    job_of_replica_.emplace(replica.desired->replica_id, job.name);
  }
}

void LiveJobs::Unindex(const LiveJob& job) {
  if (Waits(job)) {
    queue_.erase(job.position);
    return;
  }
  active_.erase(job.name);
  Hold(job, 1);
  for (const LiveReplica& replica : job.replicas) {
    job_of_replica_.erase(replica.desired->replica_id);
  }
}

void LiveJobs::Hold(const LiveJob& job, int sign) {
  sched::Need counted = sched::CountedNeed(machine_, job.need);
  free_.cpu_milli += sign * counted.cpu_milli;
  free_.memory_bytes += sign * counted.memory_bytes;
  cpu_free_ += sign * job.need.cpu_milli;
}

size_t LiveJobs::CountRunning() const {
  return static_cast<size_t>(std::count_if(active_.begin(), active_.end(), [](const auto& entry) {
    return !model::IsTerminal(entry.second->state);
  }));
}

const LiveJob* LiveJobs::head() const { return queue_.empty() ? nullptr : queue_.begin()->second; }

absl::Time LiveJobs::LastCreated() const {
  return queue_.empty() ? absl::InfinitePast() : queue_.rbegin()->second->created;
}

sched::Snapshot LiveJobs::SnapshotOf(size_t queued_max, absl::Time now) const {
  sched::Snapshot snapshot{.machine = machine_};
  snapshot.running.reserve(active_.size());
  for (const auto& [name, job] : active_) {
    bool ended = model::IsTerminal(job->state);
    absl::Time deadline = ended                                     ? now
                          : job->deadline == absl::InfiniteFuture() ? now + job->timeout
                                                                    : job->deadline;
    snapshot.running.push_back({name, job->need, job->started, deadline});
  }
  for (const auto& [position, job] : queue_) {
    if (snapshot.queued.size() >= queued_max) break;
    snapshot.queued.push_back({job->name, job->need, job->created, 0, job->timeout});
  }
  return snapshot;
}

sched::Snapshot LiveJobs::SnapshotUpTo(const LiveJob& job, absl::Time now) const {
  auto end = queue_.upper_bound(job.position);
  return SnapshotOf(static_cast<size_t>(std::distance(queue_.begin(), end)), now);
}

std::vector<DesiredReplica> LiveJobs::DesiredSet() const {
  std::vector<DesiredReplica> desired;
  desired.reserve(active_.size());
  for (const auto& [name, job] : active_) {
    for (const LiveReplica& replica : job->replicas) {
      if (replica.presence != LiveReplica::Presence::kWanted) continue;
      desired.push_back(*replica.desired);
      desired.back().stop = replica.stop;
    }
  }
  return desired;
}

}  // namespace trainyard::control
