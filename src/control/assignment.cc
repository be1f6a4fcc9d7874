#include "control/assignment.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/log.h"
#include "control/transition.h"
#include "model/custom_job.h"
#include "model/names.h"

namespace trainyard::control {
namespace {

using trainyard::store::v1::ReplicaStatus;

constexpr size_t kHashDigits = 10;

// The same after a restart of the server, another for each attempt (FNV-1a; not a secret).
std::string AttemptHash(absl::string_view job_id, int attempt) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : absl::StrCat(job_id, "/", attempt)) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  }
  return absl::StrCat(absl::Hex(hash, absl::kZeroPad16)).substr(0, kHashDigits);
}

void Expand(google::protobuf::RepeatedPtrField<std::string>& texts,
            const std::map<std::string, std::string>& variables) {
  for (std::string& text : texts) text = model::ExpandVariables(text, variables);
}

// The pool as the replica runs it: one replica, no environment (it is complete elsewhere), command
// and arguments expanded.
v1::WorkerPoolSpec ExpandedPool(
    const v1::WorkerPoolSpec& spec,
    const std::vector<std::pair<std::string, std::string>>& environment) {
  std::map<std::string, std::string> variables(environment.begin(), environment.end());
  v1::WorkerPoolSpec pool = spec;
  if (pool.has_container_spec()) {
    Expand(*pool.mutable_container_spec()->mutable_command(), variables);
    Expand(*pool.mutable_container_spec()->mutable_args(), variables);
    pool.mutable_container_spec()->clear_env();
  } else if (pool.has_python_package_spec()) {
    Expand(*pool.mutable_python_package_spec()->mutable_args(), variables);
    pool.mutable_python_package_spec()->clear_env();
  }
  return pool;
}

DesiredReplica DesiredReplicaOf(const CustomJobRecord& record, const sched::Machine& machine,
                                model::ReplicaEnvironment place) {
  const v1::CustomJobSpec& spec = record.job().job_spec();
  DesiredReplica replica;
  replica.job_id = place.job_id;
  replica.project = place.project;
  replica.location = place.location;
  replica.task_name = absl::StrCat("workerpool", place.pool, "-", place.index);
  replica.host_name = model::HostNameOf(place);
  replica.environment = model::EnvironmentOf(spec, place);
  replica.pool = ExpandedPool(spec.worker_pool_specs(place.pool), replica.environment);
  replica.need = record.status().need();
  sched::Need counted =
      sched::CountedNeed(machine, {replica.need.cpu_milli(), replica.need.memory_bytes()});
  replica.need.set_memory_bytes(counted.memory_bytes);
  replica.base_output_directory = spec.base_output_directory().output_uri_prefix();
  return replica;
}

}  // namespace

void AssignAttempt(CustomJobRecord& record) {
  trainyard::store::v1::CustomJobStatus& status = *record.mutable_status();
  status.set_attempt(status.attempt() + 1);
  status.clear_replicas();
  const v1::CustomJobSpec& spec = record.job().job_spec();
  for (int pool = 0; pool < spec.worker_pool_specs_size(); ++pool) {
    for (int index = 0; index < spec.worker_pool_specs(pool).replica_count(); ++index) {
      ReplicaStatus& replica = *status.add_replicas();
      replica.set_replica_id(
          absl::StrCat(JobIdOf(record), "-", status.attempt(), "-", pool, "-", index));
      replica.set_task_name(absl::StrCat("workerpool", pool, "-", index));
      replica.set_phase(ReplicaStatus::ASSIGNED);
    }
  }
}

std::vector<DesiredReplica> DesiredReplicasOf(const CustomJobRecord& record,
                                              const sched::Machine& machine,
                                              absl::Duration stop_grace) {
  auto name = model::ParseResourceName(record.job().name(), "customJobs");
  CHECK(name.ok());
  model::ReplicaEnvironment place{.job_id = name->id,
                                  .project = name->parent.project,
                                  .location = name->parent.location,
                                  .attempt_hash = AttemptHash(name->id, record.status().attempt())};
  std::vector<DesiredReplica> replicas;
  const v1::CustomJobSpec& spec = record.job().job_spec();
  for (int pool = 0; pool < spec.worker_pool_specs_size(); ++pool) {
    for (int index = 0; index < spec.worker_pool_specs(pool).replica_count(); ++index) {
      size_t number = replicas.size();
      if (number >= static_cast<size_t>(record.status().replicas_size())) return replicas;
      place.pool = pool;
      place.index = index;
      DesiredReplica& replica = replicas.emplace_back(DesiredReplicaOf(record, machine, place));
      replica.replica_id = record.status().replicas(static_cast<int>(number)).replica_id();
      replica.stop_grace = stop_grace;
    }
  }
  return replicas;
}

}  // namespace trainyard::control
