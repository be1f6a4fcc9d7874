#include "control/live_record.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/assignment.h"
#include "control/replicas.h"
#include "control/timestamp.h"
#include "control/transition.h"
#include "model/job_state.h"

namespace trainyard::control {
namespace {

using trainyard::store::v1::ReplicaStatus;

bool SameReplicas(const CustomJobRecord& record, const LiveJob& live) {
  if (record.status().replicas_size() != static_cast<int>(live.replicas.size())) return false;
  for (size_t i = 0; i < live.replicas.size(); ++i) {
    if (record.status().replicas(static_cast<int>(i)).replica_id() !=
        live.replicas[i].desired->replica_id) {
      return false;
    }
  }
  return true;
}

void RefreshReplicas(JobEdit& edit, const sched::Machine& machine, absl::Duration stop_grace) {
  if (SameReplicas(edit.record, edit.live)) return;
  edit.live.replicas.clear();
  for (DesiredReplica& replica : DesiredReplicasOf(edit.record, machine, stop_grace)) {
    edit.live.replicas.push_back(
        {.desired = std::make_shared<const DesiredReplica>(std::move(replica))});
  }
}

}  // namespace

void RefreshLive(JobEdit& edit, const sched::Machine& machine, absl::Duration stop_grace) {
  const v1::CustomJob& job = edit.record.job();
  const auto& status = edit.record.status();
  LiveJob& live = edit.live;
  live.name = job.name();
  live.state = job.state();
  live.need = {status.need().cpu_milli(), status.need().memory_bytes()};
  live.created = FromTimestamp(job.create_time());
  live.timeout = TimeoutOf(job);
  if (job.has_start_time()) live.started = FromTimestamp(job.start_time());
  if (status.has_running_deadline()) live.deadline = FromTimestamp(status.running_deadline());
  RefreshReplicas(edit, machine, stop_grace);
  for (size_t i = 0; i < live.replicas.size(); ++i) {
    const ReplicaStatus& replica = status.replicas(static_cast<int>(i));
    live.replicas[i].stop = live.replicas[i].stop || replica.stop_requested();
  }
}

absl::StatusOr<LiveJob> LiveFromStore(const store::Record& stored, const sched::Machine& machine,
                                      absl::Duration stop_grace) {
  JobEdit edit;
  if (!edit.record.ParseFromString(stored.value)) {
    return absl::DataLossError(absl::StrCat("the record of ", stored.name, " cannot be read"));
  }
  edit.live.bytes = std::make_shared<const std::string>(stored.value);
  RefreshLive(edit, machine, stop_grace);
  for (size_t i = 0; i < edit.live.replicas.size(); ++i) {
    edit.live.replicas[i].stop |= HasEnded(edit.record.status().replicas(static_cast<int>(i)));
  }
  return std::move(edit.live);
}

store::Record StoredFrom(const CustomJobRecord& record, const std::string& bytes) {
  const v1::CustomJob& job = record.job();
  store::Record stored;
  stored.kind = store::kCustomJobs;
  stored.name = job.name();
  stored.parent = job.name().substr(0, job.name().find("/customJobs/"));
  stored.state = v1::JobState_Name(job.state());
  stored.live = !model::IsTerminal(job.state());
  stored.display_name = job.display_name();
  stored.labels.insert(job.labels().begin(), job.labels().end());
  stored.create_time = FromTimestamp(job.create_time());
  stored.value = bytes;
  return stored;
}

}  // namespace trainyard::control
