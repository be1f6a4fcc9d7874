// What each role may do, in Google's permission names.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "edge/accounts.h"
#include "google/rpc/error_details.pb.h"

namespace trainyard::edge {
namespace {

struct Row {
  const char* collection;
  std::vector<const char*> viewer;
  std::vector<const char*> user;   // beside the viewer's
  std::vector<const char*> admin;  // beside the user's
};

const std::vector<Row>& Rows() {
  static const auto* const rows = new std::vector<Row>{
      {"aiplatform.customJobs", {"get", "list"}, {"create", "cancel", "delete"}, {}},
      {"aiplatform.hyperparameterTuningJobs", {"get", "list"}, {"create", "cancel", "delete"}, {}},
      {"aiplatform.trainingPipelines", {"get", "list"}, {"create", "cancel", "delete"}, {}},
      {"aiplatform.models", {"get", "list"}, {"upload", "update", "delete", "export"}, {}},
      {"aiplatform.operations", {"get", "list"}, {"cancel", "delete"}, {}},
      {"aiplatform.locations", {"get", "list"}, {}, {}},
      {"storage.buckets",
       {"get", "list"},
       {"create", "update", "delete"},
       {"getIamPolicy", "setIamPolicy"}},
      {"storage.objects",
       {"get", "list"},
       {"create", "update", "delete"},
       {"getIamPolicy", "setIamPolicy"}},
      {"storage.multipartUploads", {"list", "listParts"}, {"create", "abort"}, {}},
      {"logging.logEntries", {"list"}, {}, {}},
      {"resourcemanager.projects", {"get", "list"}, {}, {}},
      {"iam.serviceAccounts", {}, {"actAs"}, {"get", "list"}},
      {"trainyard.jobs", {"explain", "readLog"}, {}, {}},
      {"trainyard.status", {"get"}, {}, {}},
      {"trainyard.keys", {}, {}, {"create", "list", "revoke"}},
      {"trainyard.images", {"get", "list"}, {}, {"update"}},
  };
  return *rows;
}

using Role = std::vector<const char*> Row::*;

std::vector<std::string> Collect(const std::vector<Role>& roles) {
  std::vector<std::string> permissions;
  for (const Row& row : Rows()) {
    for (const Role role : roles) {
      for (const char* verb : row.*role) {
        permissions.push_back(absl::StrCat(row.collection, ".", verb));
      }
    }
  }
  std::sort(permissions.begin(), permissions.end());
  return permissions;
}

std::string ServiceOf(absl::string_view permission) {
  const absl::string_view prefix = permission.substr(0, permission.find('.'));
  if (prefix == "resourcemanager") return "cloudresourcemanager.googleapis.com";
  if (prefix == "trainyard") return "trainyard";
  return absl::StrCat(prefix, ".googleapis.com");
}

}  // namespace

const std::vector<std::string>& PermissionsOf(absl::string_view role) {
  using Roles = std::map<std::string, std::vector<std::string>, std::less<>>;
  static const auto* const roles =
      new Roles{{"viewer", Collect({&Row::viewer})},
                {"user", Collect({&Row::viewer, &Row::user})},
                {"admin", Collect({&Row::viewer, &Row::user, &Row::admin})},
                {"", {}}};
  const auto found = roles->find(std::string(role));
  return found == roles->end() ? roles->find("")->second : found->second;
}

absl::Status PermissionDenied(absl::string_view permission, absl::string_view resource) {
  const std::string service = ServiceOf(permission);
  absl::Status status = absl::PermissionDeniedError(
      absl::StrCat("Permission '", permission, "' denied on resource '//", service, "/", resource,
                   "' (or it may not exist)."));
  google::rpc::ErrorInfo info;
  info.set_reason("IAM_PERMISSION_DENIED");
  info.set_domain(service);
  (*info.mutable_metadata())["permission"] = std::string(permission);
  (*info.mutable_metadata())["resource"] = std::string(resource);
  status.SetPayload("type.googleapis.com/google.rpc.ErrorInfo",
                    absl::Cord(info.SerializeAsString()));
  return status;
}

}  // namespace trainyard::edge
