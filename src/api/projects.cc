#include "api/projects.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "api/registrations.h"
#include "api/reply.h"
#include "base/status.h"
#include "google/cloud/resourcemanager/v3/projects.pb.h"
#include "model/names.h"

namespace trainyard::api {
namespace {

namespace rm = google::cloud::resourcemanager::v3;

std::string RecordName(absl::string_view number) { return absl::StrCat("projects/", number); }

absl::StatusOr<rm::Project> GetProject(Projects& projects, edge::AccountRegistry& accounts,
                                       const edge::Call& call, const std::string& name) {
  absl::string_view given = name;
  // A location after it would be no project's name: the same rules for the id as everywhere.
  absl::StatusOr<model::Location> parsed = model::ParseLocation(absl::StrCat(name, "/locations/-"));
  if (!parsed.ok() || !absl::ConsumePrefix(&given, "projects/")) {
    return absl::InvalidArgumentError(
        absl::StrCat("Resource name \"", name.substr(0, 100),
                     "\" is invalid: expected projects/{project id or number}."));
  }
  std::string id = projects.IdOf(given);
  RETURN_IF_ERROR(
      accounts.Check(call.caller, "resourcemanager.projects.get", absl::StrCat("projects/", id)));
  rm::Project project;
  project.set_name(absl::StrCat("projects/", model::ProjectNumber(id)));
  project.set_project_id(id);
  project.set_display_name(id);
  project.set_state(rm::Project::ACTIVE);
  return project;
}

}  // namespace

Projects::Projects(control::Engine& engine, store::Store& store, const base::Clock& clock,
                   const std::string& default_project)
    : engine_(engine), store_(store), clock_(clock) {
  if (!default_project.empty()) ids_[model::ProjectNumber(default_project)] = default_project;
}

void Projects::Remember(const std::string& project) {
  std::string number = model::ProjectNumber(project);
  if (number == project) return;
  {
    base::MutexLock lock(mutex_);
    if (!ids_.emplace(number, project).second) return;
  }
  store::Transaction transaction;
  store::Record& record = transaction.writes.emplace_back().record;
  record.kind = store::kSettings;
  record.name = RecordName(number);
  record.create_time = clock_.Now();
  record.value = project;
  engine_.Put(std::move(transaction), [](absl::StatusOr<bool>) {});  // else the job fails as well
}

std::string Projects::IdOf(absl::string_view project) {
  std::string id(project);
  if (model::ProjectNumber(project) != project) return id;
  {
    base::MutexLock lock(mutex_);
    auto found = ids_.find(id);
    if (found != ids_.end()) return found->second;
  }
  absl::StatusOr<store::Record> record = store_.Get(store::kSettings, RecordName(project));
  if (!record.ok()) return id;
  base::MutexLock lock(mutex_);
  ids_.emplace(id, record->value);
  return record->value;
}

void RegisterProjects(edge::MethodTable& methods, const Services& services,
                      std::shared_ptr<Projects> projects) {
  // Checked by the handler, once the id is known: roles are bound to ids.
  methods.Register<rm::GetProjectRequest>(
      "google.cloud.resourcemanager.v3.Projects/GetProject", "", "", false,
      [projects, &accounts = services.accounts](
          const edge::Call& call, const rm::GetProjectRequest& request, edge::Responder respond) {
        Send(respond, GetProject(*projects, accounts, call, request.name()));
      });
}

}  // namespace trainyard::api
