#include "absl/strings/str_cat.h"
#include "api/house.h"
#include "gmock/gmock.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"
#include "google/cloud/aiplatform/v1/operation.pb.h"
#include "google/longrunning/operations.pb.h"
#include "google/protobuf/empty.pb.h"
#include "gtest/gtest.h"

namespace trainyard::api {
namespace {

namespace v1 = google::cloud::aiplatform::v1;
namespace lro = google::longrunning;
using google::protobuf::Empty;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kJobs[] = "google.cloud.aiplatform.v1.JobService/";
constexpr char kOperations[] = "google.longrunning.Operations/";

class JobServiceTest : public testing::Test {
 protected:
  // `job`: text of a CustomJob, merged over a good one.
  absl::StatusOr<v1::CustomJob> Create(const std::string& job = "",
                                       const std::string& account = House::kOwner) {
    v1::CreateCustomJobRequest request;
    request.set_parent(House::kParent);
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        R"pb(
          display_name: "job"
          job_spec {
            worker_pool_specs {
              machine_spec { machine_type: "n1-standard-4" }
              container_spec { image_uri: "python:3.11" }
            }
          })pb",
        request.mutable_custom_job()));
    EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(job, request.mutable_custom_job()));
    return house_.Ask<v1::CustomJob>(absl::StrCat(kJobs, "CreateCustomJob"), request, account);
  }

  absl::StatusOr<v1::CustomJob> Get(const std::string& name,
                                    const std::string& account = House::kOwner) {
    v1::GetCustomJobRequest request;
    request.set_name(name);
    return house_.Ask<v1::CustomJob>(absl::StrCat(kJobs, "GetCustomJob"), request, account);
  }

  absl::StatusOr<v1::ListCustomJobsResponse> List(const std::string& more,
                                                  const std::string& parent = House::kParent) {
    return house_.AskText<v1::ListCustomJobsResponse, v1::ListCustomJobsRequest>(
        absl::StrCat(kJobs, "ListCustomJobs"), absl::StrCat("parent: '", parent, "' ", more));
  }

  std::vector<std::string> Names(const std::string& more) {
    std::vector<std::string> names;
    absl::StatusOr<v1::ListCustomJobsResponse> page = List(more);
    EXPECT_TRUE(page.ok()) << page.status();
    if (page.ok()) {
      for (const v1::CustomJob& job : page->custom_jobs()) names.push_back(job.display_name());
    }
    return names;
  }

  absl::Status Cancel(const std::string& name, const std::string& account = House::kOwner) {
    v1::CancelCustomJobRequest request;
    request.set_name(name);
    return house_.Ask<Empty>(absl::StrCat(kJobs, "CancelCustomJob"), request, account).status();
  }

  absl::StatusOr<lro::Operation> Delete(const std::string& name) {
    v1::DeleteCustomJobRequest request;
    request.set_name(name);
    return house_.Ask<lro::Operation>(absl::StrCat(kJobs, "DeleteCustomJob"), request);
  }

  void EndAll(int exit_code) {
    house_.runtime.Run();
    house_.RunAll();
    house_.runtime.End(exit_code);
    house_.RunAll();
  }

  House house_;
};

TEST_F(JobServiceTest, CreateFillsDefaultsAndIgnoresOutputFields) {
  absl::StatusOr<v1::CustomJob> job = Create(R"pb(
    name: "mine"
    state: JOB_STATE_FAILED
    error { code: 3 }
    labels { key: "team" value: "a" })pb");
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_THAT(job->name(),
              testing::MatchesRegex("projects/p/locations/us-central1/customJobs/[0-9]{19}"));
  EXPECT_TRUE(job->state() == v1::JOB_STATE_QUEUED || job->state() == v1::JOB_STATE_PENDING);
  EXPECT_FALSE(job->has_error());
  EXPECT_EQ(job->labels().at("team"), "a");
  EXPECT_EQ(job->job_spec().worker_pool_specs(0).replica_count(), 1);
  EXPECT_EQ(job->job_spec().worker_pool_specs(0).disk_spec().boot_disk_size_gb(), 100);
  EXPECT_GT(job->create_time().seconds(), 0);
  absl::StatusOr<v1::CustomJob> again = Get(job->name(), House::kViewer);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->name(), job->name());
}

TEST_F(JobServiceTest, EveryProblemComesAtOnce) {
  absl::Status status =
      Create("display_name: '' job_spec { network: 'x' service_account: 'y' }").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  std::string text(status.message());
  EXPECT_THAT(text, testing::StartsWith("List of found errors:\t1.Field: "));
  EXPECT_THAT(text, HasSubstr("job_spec.network"));
  EXPECT_THAT(text, HasSubstr("job_spec.service_account"));
  EXPECT_TRUE(status.GetPayload("type.googleapis.com/google.rpc.BadRequest").has_value());
}

TEST_F(JobServiceTest, WhatIsNotThereIsNamed) {
  house_.runtime.refused_image = "python:3.11";
  absl::Status status =
      Create(R"pb(job_spec {
                    base_output_directory { output_uri_prefix: "gs://nonesuch/out" }
                    service_account: "nobody@p.iam.gserviceaccount.com"
                  })pb")
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  std::string text(status.message());
  EXPECT_THAT(text, HasSubstr("container_spec.image_uri; Message: This is the name of no image."));
  EXPECT_THAT(text, HasSubstr("There is no bucket \"nonesuch\" on this server"));
  EXPECT_THAT(text, HasSubstr("There is no account \"nobody@p.iam.gserviceaccount.com\""));
}

TEST_F(JobServiceTest, BucketsThatAreThere) {
  absl::StatusOr<v1::CustomJob> job =
      Create("job_spec { base_output_directory { output_uri_prefix: 'gs://bucket/out' } }");
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->job_spec().base_output_directory().output_uri_prefix(), "gs://bucket/out/");
}

TEST_F(JobServiceTest, ActingAsAnotherAccount) {
  auto as = [](const char* account) {
    return absl::StrCat("job_spec { service_account: '", account, "' }");
  };
  EXPECT_TRUE(Create(as(House::kUser), House::kUser).ok());
  EXPECT_TRUE(Create(as(House::kViewer), House::kUser).ok());
  EXPECT_EQ(Create(as(House::kOwner), House::kUser).status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(Create(as(House::kUser), House::kOwner).ok());
}

TEST_F(JobServiceTest, UnsupportedJobsSaySo) {
  absl::Status status = Create(R"pb(job_spec {
                                      worker_pool_specs {
                                        replica_count: 2
                                        machine_spec { machine_type: "n1-standard-4" }
                                        container_spec { image_uri: "x" }
                                      }
                                    })pb")
                            .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("one replica"));
}

TEST_F(JobServiceTest, Permissions) {
  std::string name = house_.Submit();
  EXPECT_EQ(Create("", House::kViewer).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Get(name, House::kStranger).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Cancel(name, House::kViewer).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(Cancel(name, House::kUser).ok());
}

TEST_F(JobServiceTest, NamesThatAreNone) {
  for (const char* name : {"", "x", "projects/p/locations/us-central1/models/1",
                           "projects/p/locations/us-central1/customJobs"}) {
    EXPECT_EQ(Get(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(Cancel(name).code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(Delete(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
  const std::string absent = absl::StrCat(House::kParent, "/customJobs/17");
  for (const absl::Status& status :
       {Get(absent).status(), Cancel(absent), Delete(absent).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    EXPECT_THAT(std::string(status.message()), HasSubstr(absent));
  }
}

TEST_F(JobServiceTest, ListIsNewestFirstAndFiltered) {
  house_.Submit(House::kParent, "one", "labels { key: 'team' value: 'a' }");
  EndAll(0);
  house_.Submit(House::kParent, "two", "labels { key: 'team' value: 'b' }");
  EndAll(3);
  house_.Submit(House::kParent, "three");
  house_.Submit("projects/p/locations/europe-west4", "elsewhere");
  EXPECT_THAT(Names(""), ElementsAre("three", "two", "one"));
  EXPECT_THAT(Names("filter: 'display_name=\"two\"'"), ElementsAre("two"));
  EXPECT_THAT(Names("filter: 'displayName:t*'"), ElementsAre("three", "two"));
  EXPECT_THAT(Names("filter: 'state=\"JOB_STATE_SUCCEEDED\"'"), ElementsAre("one"));
  EXPECT_THAT(Names("filter: 'state=JOB_STATE_FAILED OR labels.team=a'"),
              ElementsAre("two", "one"));
  EXPECT_THAT(Names("filter: 'labels.team:*'"), ElementsAre("two", "one"));
  EXPECT_THAT(Names("filter: 'NOT end_time:*'"), ElementsAre("three"));
  EXPECT_THAT(Names("filter: 'create_time<\"2000-01-01T00:00:00Z\"'"), ElementsAre());
}

TEST_F(JobServiceTest, PagesAndMasks) {
  for (int i = 0; i < 5; ++i) house_.Submit(House::kParent, absl::StrCat("job", i));
  std::vector<std::string> seen;
  std::string token;
  do {
    absl::StatusOr<v1::ListCustomJobsResponse> page = List(
        absl::StrCat("page_size: 2 page_token: '", token, "' read_mask { paths: 'displayName' }"));
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->custom_jobs_size(), 2);
    for (const v1::CustomJob& job : page->custom_jobs()) {
      EXPECT_EQ(job.name(), "");
      seen.push_back(job.display_name());
    }
    token = page->next_page_token();
  } while (!token.empty());
  EXPECT_THAT(seen, ElementsAre("job4", "job3", "job2", "job1", "job0"));
}

TEST_F(JobServiceTest, BadListRequestsSayWhy) {
  for (int i = 0; i < 3; ++i) house_.Submit();
  std::string token = List("page_size: 1")->next_page_token();
  struct Case {
    std::string request;
    const char* text;
  };
  const Case cases[] = {
      {"page_size: -1", "page_size"},
      {"page_token: 'x'", "page_token"},
      {absl::StrCat("page_token: '", token, "' filter: 'display_name=x'"), "page_token"},
      {"filter: 'display_name='", "filter"},
      {"filter: 'nonesuch=1'", "nonesuch"},
      {"filter: 'state=RUNNING'", "\"RUNNING\" is none of JOB_STATE_QUEUED"},
      {"read_mask { paths: 'nonesuch' }", "nonesuch"},
  };
  for (const Case& c : cases) {
    absl::Status status = List(c.request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.request;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.text)) << c.request;
  }
}

TEST_F(JobServiceTest, CancelAndDelete) {
  std::string name = house_.Submit();
  EXPECT_EQ(Delete(name).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Cancel(name).ok());
  house_.runtime.End(143);
  house_.RunAll();
  EXPECT_EQ(Get(name)->state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(Get(name)->error().code(), 1);
  EXPECT_TRUE(Cancel(name).ok()) << "of a job that has ended: nothing happens";
  absl::StatusOr<lro::Operation> operation = Delete(name);
  ASSERT_TRUE(operation.ok()) << operation.status();
  EXPECT_TRUE(operation->done());
  EXPECT_TRUE(operation->response().Is<Empty>());
  EXPECT_TRUE(operation->metadata().Is<v1::DeleteOperationMetadata>());
  EXPECT_EQ(Get(name).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(JobServiceTest, Operations) {
  std::string job = house_.Submit();
  EndAll(0);
  absl::StatusOr<lro::Operation> operation = Delete(job);
  ASSERT_TRUE(operation.ok());
  const std::string id = IdOf(operation->name());
  const std::string nested = absl::StrCat(job, "/operations/", id);
  auto ask = [&](const char* method, const std::string& name) {
    return house_.AskText<lro::Operation, lro::GetOperationRequest>(
        absl::StrCat(kOperations, method), absl::StrCat("name: '", name, "'"));
  };
  EXPECT_EQ(ask("GetOperation", operation->name())->SerializeAsString(),
            operation->SerializeAsString());
  EXPECT_TRUE(ask("GetOperation", nested).ok());
  lro::WaitOperationRequest wait;
  wait.set_name(nested);
  EXPECT_TRUE(house_.Ask<lro::Operation>(absl::StrCat(kOperations, "WaitOperation"), wait)->done());
  EXPECT_EQ(ask("GetOperation", nested + "1").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ask("GetOperation", "x").status().code(), absl::StatusCode::kInvalidArgument);
  auto list = [&](const std::string& request) {
    return house_.AskText<lro::ListOperationsResponse, lro::ListOperationsRequest>(
        absl::StrCat(kOperations, "ListOperations"),
        absl::StrCat("name: '", House::kParent, "' ", request));
  };
  EXPECT_EQ(list("")->operations_size(), 1);
  EXPECT_EQ(list("filter: 'done=true'")->operations_size(), 1);
  EXPECT_EQ(list("filter: 'done=false'")->operations_size(), 0);
  EXPECT_EQ(list("filter: 'nonesuch=1'").status().code(), absl::StatusCode::kInvalidArgument);
  lro::CancelOperationRequest cancel;
  cancel.set_name(operation->name());
  EXPECT_TRUE(house_.Ask<Empty>(absl::StrCat(kOperations, "CancelOperation"), cancel).ok());
  lro::DeleteOperationRequest remove;
  remove.set_name(nested);
  EXPECT_EQ(house_.Ask<Empty>(absl::StrCat(kOperations, "DeleteOperation"), remove, House::kViewer)
                .status()
                .code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(house_.Ask<Empty>(absl::StrCat(kOperations, "DeleteOperation"), remove).ok());
  EXPECT_EQ(ask("GetOperation", nested).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace trainyard::api
