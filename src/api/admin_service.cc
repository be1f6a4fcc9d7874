// trainyard.admin.v1.AdminService, but for its keys: why a job waits, its log, the server's state.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "api/log_follow.h"
#include "api/registrations.h"
#include "api/reply.h"
#include "base/status.h"
#include "google/cloud/aiplatform/v1/job_state.pb.h"
#include "model/names.h"
#include "trainyard/admin/v1/admin.pb.h"

namespace trainyard::api {
namespace {

namespace admin = trainyard::admin::v1;

constexpr char kService[] = "trainyard.admin.v1.AdminService/";

admin::ExplainJobResponse ToResponse(const sched::Explanation& explanation, std::string state) {
  admin::ExplainJobResponse response;
  response.set_state(std::move(state));
  response.set_summary(explanation.summary);
  for (const sched::Blocker& blocker : explanation.blockers) {
    auto& added = *response.add_blockers();
    added.set_resource(blocker.resource);
    added.set_text(blocker.text);
    added.set_needed(blocker.needed);
    added.set_free(blocker.free);
    added.set_capacity(blocker.capacity);
    for (const std::string& holder : blocker.holders) added.add_holders(holder);
  }
  response.set_smallest_change(explanation.smallest_change);
  if (explanation.estimated_start < absl::InfiniteFuture()) {
    *response.mutable_estimated_start() = ToTimestamp(explanation.estimated_start);
  }
  response.set_position(explanation.position);
  return response;
}

void Explain(control::Engine& engine, const admin::ExplainJobRequest& request,
             edge::Responder respond) {
  absl::StatusOr<model::ResourceName> name = model::ParseResourceName(request.name(), "customJobs");
  if (!name.ok()) return respond(name.status());
  absl::StatusOr<control::CustomJob> job = engine.GetCustomJob(request.name());
  if (!job.ok()) return respond(job.status());
  std::string state = google::cloud::aiplatform::v1::JobState_Name(job->state());
  engine.Explain(request.name(), [state = std::move(state), respond = std::move(respond)](
                                     absl::StatusOr<sched::Explanation> explanation) mutable {
    if (!explanation.ok()) return respond(explanation.status());
    Send<admin::ExplainJobResponse>(respond, ToResponse(*explanation, std::move(state)));
  });
}

void GetStatus(control::Engine& engine, const ServerFacts& facts, edge::Responder respond) {
  engine.GetStatus(
      [facts, respond = std::move(respond)](absl::StatusOr<control::EngineStatus> status) mutable {
        if (!status.ok()) return respond(status.status());
        admin::GetStatusResponse response;
        response.set_version(facts.version);
        response.set_placement(facts.placement);
        response.set_cpu_milli(status->capacity.cpu_milli);
        response.set_memory_bytes(status->capacity.memory_bytes);
        response.set_cpu_milli_free(status->free.cpu_milli);
        response.set_memory_bytes_free(status->free.memory_bytes);
        response.set_queued(status->queued);
        response.set_running(status->running);
        *response.mutable_start_time() = ToTimestamp(facts.start_time);
        response.set_data_directory(facts.data_directory);
        Send<admin::GetStatusResponse>(respond, std::move(response));
      });
}

}  // namespace

void RegisterAdmin(edge::MethodTable& methods, const Services& services) {
  control::Engine& engine = services.engine;
  methods.Register<admin::ExplainJobRequest>(
      absl::StrCat(kService, "ExplainJob"), "trainyard.jobs.explain", "name", false,
      [&engine](const edge::Call&, const admin::ExplainJobRequest& request,
                edge::Responder respond) { Explain(engine, request, std::move(respond)); });
  auto follow = std::make_shared<LogFollow>(services);
  methods.Register<admin::ReadJobLogRequest>(
      absl::StrCat(kService, "ReadJobLog"), "trainyard.jobs.readLog", "name", false,
      [follow](const edge::Call& call, const admin::ReadJobLogRequest& request,
               edge::Responder respond) { follow->Read(call, request, std::move(respond)); });
  methods.Register<admin::GetStatusRequest>(
      absl::StrCat(kService, "GetStatus"), "trainyard.status.get", "", false,
      [&engine, facts = services.facts](const edge::Call&, const admin::GetStatusRequest&,
                                        edge::Responder respond) {
        GetStatus(engine, facts, std::move(respond));
      });
}

}  // namespace trainyard::api
