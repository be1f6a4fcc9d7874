#include "control/engine.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "control/engine_core.h"
#include "control/job_commands.h"
#include "control/record_commands.h"
#include "model/custom_job.h"

namespace trainyard::control {
namespace {

// Whether the runtime knows of every image of the job, as errors of fields.
absl::Status CheckImages(const CustomJob& job, Runtime& runtime) {
  std::vector<model::FieldError> errors;
  for (int i = 0; i < job.job_spec().worker_pool_specs_size(); ++i) {
    const auto& pool = job.job_spec().worker_pool_specs(i);
    bool container = pool.has_container_spec();
    if (!container && !pool.has_python_package_spec()) continue;
    absl::Status status =
        runtime.CheckImage(container ? pool.container_spec().image_uri()
                                     : pool.python_package_spec().executor_image_uri());
    if (status.ok()) continue;
    if (!absl::IsInvalidArgument(status)) return status;
    errors.push_back({absl::StrCat("job_spec.worker_pool_specs[", i, "].",
                                   container ? "container_spec.image_uri"
                                             : "python_package_spec.executor_image_uri"),
                      std::string(status.message())});
  }
  return model::ErrorOfFields(errors);
}

// The engine as others hold it. What can be done on the caller's thread is done there.
class HeldEngine final : public Engine {
 public:
  HeldEngine(Dependencies dependencies, EngineOptions options)
      : dependencies_(dependencies),
        core_(std::make_shared<EngineCore>(dependencies, std::move(options))) {}
  ~HeldEngine() override { core_->Close(); }

  absl::Status Start() override { return core_->Start(); }

  void CreateCustomJob(std::string parent, CustomJob job, std::string creator,
                       Reply<CustomJob> reply) override {
    absl::Status refused = dependencies_.store.CheckSpace();
    if (refused.ok()) refused = CheckImages(job, dependencies_.runtime);
    if (!refused.ok()) return reply(refused);
    NewJob created;
    created.name = absl::StrCat(parent, "/customJobs/", base::NewNumericId(dependencies_.random));
    created.status.set_creator(std::move(creator));
    *created.status.mutable_need() = model::NeedOf(job.job_spec(), dependencies_.machines);
    for (std::string& note : model::FieldsWithoutEffect(job)) {
      created.status.add_notes(std::move(note));
    }
    created.job = std::move(job);
    core_->Submit(MakeCreateCommand(std::move(created), std::move(reply)));
  }

  void CancelCustomJob(std::string name, Reply<bool> reply) override {
    core_->Submit(MakeCancelCommand(std::move(name), dependencies_.store, std::move(reply)));
  }

  void DeleteCustomJob(std::string name, Reply<google::longrunning::Operation> reply) override {
    core_->Submit(MakeDeleteJobCommand(std::move(name), dependencies_.store, dependencies_.random,
                                       dependencies_.log, std::move(reply)));
  }

  void DeleteOperation(std::string name, Reply<bool> reply) override {
    core_->Submit(
        MakeDeleteOperationCommand(std::move(name), dependencies_.store, std::move(reply)));
  }

  void Explain(std::string name, Reply<sched::Explanation> reply) override {
    core_->Submit(MakeExplainCommand(std::move(name), dependencies_.store, std::move(reply)));
  }

  void GetStatus(Reply<EngineStatus> reply) override {
    core_->Submit(MakeStatusCommand(std::move(reply)));
  }

  void Put(store::Transaction transaction, Reply<bool> reply) override {
    core_->Submit(MakePutCommand(std::move(transaction), std::move(reply)));
  }

  absl::StatusOr<CustomJob> GetCustomJob(const std::string& name) override {
    return core_->GetCustomJob(name);
  }

 private:
  const Dependencies dependencies_;
  const std::shared_ptr<EngineCore> core_;
};

}  // namespace

std::unique_ptr<Engine> Engine::Create(Dependencies dependencies, EngineOptions options) {
  return std::make_unique<HeldEngine>(dependencies, std::move(options));
}

}  // namespace trainyard::control
