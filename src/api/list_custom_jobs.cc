#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/job_requests.h"
#include "api/read_mask.h"
#include "api/reply.h"
#include "base/status.h"
#include "google/cloud/aiplatform/v1/job_state.pb.h"
#include "model/filter.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::api {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

const std::vector<std::string>& FilterableFields() {
  static const auto& fields =
      *new std::vector<std::string>{"name",        "display_name", "state",    "create_time",
                                    "update_time", "start_time",   "end_time", "labels.*"};
  return fields;
}

// A misspelled state would match nothing, for ever and in silence.
absl::Status CheckStates(const model::FilterNode& node) {
  for (const model::FilterNode& child : node.children) RETURN_IF_ERROR(CheckStates(child));
  if (node.kind != model::FilterNode::Kind::kCompare || node.path != "state") {
    return absl::OkStatus();
  }
  v1::JobState state;
  if (node.op == ":" || v1::JobState_Parse(node.value, &state)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("filter: state \"", node.value.substr(0, 60),
                   "\" is none of JOB_STATE_QUEUED, JOB_STATE_PENDING, JOB_STATE_RUNNING, "
                   "JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLING, "
                   "JOB_STATE_CANCELLED."));
}

absl::StatusOr<v1::CustomJob> JobOf(const store::Record& record) {
  trainyard::store::v1::CustomJobRecord parsed;
  if (!parsed.ParseFromString(record.value)) {
    return absl::DataLossError(absl::StrCat("The record of ", record.name, " is damaged."));
  }
  return std::move(*parsed.mutable_job());
}

// The fields that are no column of the store.
std::optional<model::FilterValue> LookUp(const store::Record& record, const std::string& path) {
  absl::StatusOr<v1::CustomJob> job = JobOf(record);
  if (!job.ok()) return std::nullopt;
  if (path == "name") return job->name();
  if (path == "update_time" && job->has_update_time()) return FromTimestamp(job->update_time());
  if (path == "start_time" && job->has_start_time()) return FromTimestamp(job->start_time());
  if (path == "end_time" && job->has_end_time()) return FromTimestamp(job->end_time());
  return std::nullopt;
}

}  // namespace

absl::StatusOr<v1::ListCustomJobsResponse> ListCustomJobs(
    store::Store& store, const v1::ListCustomJobsRequest& request) {
  ASSIGN_OR_RETURN(model::Location parent, model::ParseLocation(request.parent()));
  if (request.page_size() < 0) {
    return absl::InvalidArgumentError("page_size: must not be negative.");
  }
  ASSIGN_OR_RETURN(ReadMask mask,
                   ReadMask::Parse(request.read_mask(), *v1::CustomJob::descriptor()));
  store::ListQuery query;
  query.kind = store::kCustomJobs;
  query.parent = parent.ToString();
  ASSIGN_OR_RETURN(query.filter, model::ParseFilter(request.filter()));
  RETURN_IF_ERROR(model::CheckFilterFields(query.filter, FilterableFields()));
  if (query.filter.root.has_value()) RETURN_IF_ERROR(CheckStates(*query.filter.root));
  query.filter_text = request.filter();
  query.page_size = request.page_size();
  query.page_token = request.page_token();
  query.fields = LookUp;
  ASSIGN_OR_RETURN(store::Page page, store.List(query));
  v1::ListCustomJobsResponse response;
  for (const store::Record& record : page.records) {
    ASSIGN_OR_RETURN(v1::CustomJob job, JobOf(record));
    mask.Trim(job);
    *response.add_custom_jobs() = std::move(job);
  }
  response.set_next_page_token(page.next_page_token);
  return response;
}

}  // namespace trainyard::api
