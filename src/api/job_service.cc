// google.cloud.aiplatform.v1.JobService: custom jobs. Every other method of it is not registered
// and so answers UNIMPLEMENTED.
#include <utility>

#include "absl/strings/str_cat.h"
#include "api/job_requests.h"
#include "api/registrations.h"
#include "api/reply.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"
#include "google/longrunning/operations.pb.h"
#include "model/names.h"

namespace trainyard::api {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

constexpr char kService[] = "google.cloud.aiplatform.v1.JobService/";
constexpr char kCollection[] = "customJobs";

class JobService {
 public:
  JobService(const Services& services, std::shared_ptr<Projects> projects)
      : services_(services), projects_(std::move(projects)) {}

  void Create(const edge::Call& call, const v1::CreateCustomJobRequest& request,
              edge::Responder respond) {
    absl::StatusOr<model::Location> parent = model::ParseLocation(request.parent());
    if (!parent.ok()) return respond(parent.status());
    absl::StatusOr<v1::CustomJob> job =
        AcceptCustomJob(services_, call.caller, *parent, request.custom_job());
    if (!job.ok()) return respond(job.status());
    projects_->Remember(parent->project);
    services_.engine.CreateCustomJob(
        parent->ToString(), *std::move(job), call.caller.account,
        [respond = std::move(respond)](absl::StatusOr<v1::CustomJob> created) mutable {
          Send(respond, std::move(created));
        });
  }

  void Get(const v1::GetCustomJobRequest& request, edge::Responder respond) {
    absl::StatusOr<model::ResourceName> name =
        model::ParseResourceName(request.name(), kCollection);
    if (!name.ok()) return respond(name.status());
    Send(respond, services_.engine.GetCustomJob(request.name()));
  }

  void List(const v1::ListCustomJobsRequest& request, edge::Responder respond) {
    Send(respond, ListCustomJobs(services_.store, request));
  }

  void Cancel(const v1::CancelCustomJobRequest& request, edge::Responder respond) {
    absl::StatusOr<model::ResourceName> name =
        model::ParseResourceName(request.name(), kCollection);
    if (!name.ok()) return respond(name.status());
    services_.engine.CancelCustomJob(
        request.name(), [respond = std::move(respond)](absl::StatusOr<bool> done) mutable {
          SendEmpty(respond, done.status());
        });
  }

  void Delete(const v1::DeleteCustomJobRequest& request, edge::Responder respond) {
    absl::StatusOr<model::ResourceName> name =
        model::ParseResourceName(request.name(), kCollection);
    if (!name.ok()) return respond(name.status());
    services_.engine.DeleteCustomJob(
        request.name(), [respond = std::move(respond)](
                            absl::StatusOr<google::longrunning::Operation> operation) mutable {
          Send(respond, std::move(operation));
        });
  }

 private:
  const Services services_;
  const std::shared_ptr<Projects> projects_;
};

}  // namespace

void RegisterJobService(edge::MethodTable& methods, const Services& services,
                        std::shared_ptr<Projects> projects) {
  auto jobs = std::make_shared<JobService>(services, std::move(projects));
  methods.Register<v1::CreateCustomJobRequest>(
      absl::StrCat(kService, "CreateCustomJob"), "aiplatform.customJobs.create", "parent", true,
      [jobs](const edge::Call& call, const v1::CreateCustomJobRequest& request,
             edge::Responder respond) { jobs->Create(call, request, std::move(respond)); });
  methods.Register<v1::GetCustomJobRequest>(
      absl::StrCat(kService, "GetCustomJob"), "aiplatform.customJobs.get", "name", false,
      [jobs](const edge::Call&, const v1::GetCustomJobRequest& request, edge::Responder respond) {
        jobs->Get(request, std::move(respond));
      });
  methods.Register<v1::ListCustomJobsRequest>(
      absl::StrCat(kService, "ListCustomJobs"), "aiplatform.customJobs.list", "parent", false,
      [jobs](const edge::Call&, const v1::ListCustomJobsRequest& request, edge::Responder respond) {
        jobs->List(request, std::move(respond));
      });
  methods.Register<v1::CancelCustomJobRequest>(
      absl::StrCat(kService, "CancelCustomJob"), "aiplatform.customJobs.cancel", "name", true,
      [jobs](const edge::Call&, const v1::CancelCustomJobRequest& request,
             edge::Responder respond) { jobs->Cancel(request, std::move(respond)); });
  methods.Register<v1::DeleteCustomJobRequest>(
      absl::StrCat(kService, "DeleteCustomJob"), "aiplatform.customJobs.delete", "name", true,
      [jobs](const edge::Call&, const v1::DeleteCustomJobRequest& request,
             edge::Responder respond) { jobs->Delete(request, std::move(respond)); });
}

}  // namespace trainyard::api
