// What JobService does before and beside the engine: judging a new job, listing jobs.
#pragma once

#include "absl/status/statusor.h"
#include "api/services.h"
#include "edge/call.h"
#include "google/cloud/aiplatform/v1/custom_job.pb.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"
#include "model/names.h"

namespace trainyard::api {

// The job as the engine takes it: valid, supported, with its defaults; its image is well-formed,
// its buckets exist, its service account exists and the caller may act as it. Every problem with a
// field is in one INVALID_ARGUMENT.
absl::StatusOr<google::cloud::aiplatform::v1::CustomJob> AcceptCustomJob(
    const Services& services, const edge::Caller& caller, const model::Location& parent,
    const google::cloud::aiplatform::v1::CustomJob& job);

absl::StatusOr<google::cloud::aiplatform::v1::ListCustomJobsResponse> ListCustomJobs(
    store::Store& store, const google::cloud::aiplatform::v1::ListCustomJobsRequest& request);

}  // namespace trainyard::api
