#include "api/read_mask.h"

#include "gmock/gmock.h"
#include "google/cloud/aiplatform/v1/custom_job.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace trainyard::api {
namespace {

using google::cloud::aiplatform::v1::CustomJob;

constexpr char kJob[] = R"pb(
  name: "n"
  display_name: "d"
  labels { key: "k" value: "v" }
  job_spec {
    scheduling {
      timeout { seconds: 1 }
      disable_retries: true
    }
    worker_pool_specs {
      replica_count: 1
      machine_spec { machine_type: "m" }
    }
    worker_pool_specs {
      replica_count: 2
      machine_spec { machine_type: "n" }
    }
  })pb";

CustomJob Parsed(const std::string& text) {
  CustomJob job;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &job)) << text;
  return job;
}

TEST(ReadMaskTest, Table) {
  struct Case {
    std::vector<std::string> paths;
    const char* left;
  };
  const Case cases[] = {
      {{}, kJob},
      {{"*"}, kJob},
      {{"name", "*"}, kJob},
      {{"name"}, "name: 'n'"},
      {{"displayName", "labels"}, "display_name: 'd' labels { key: 'k' value: 'v' }"},
      {{"display_name", "displayName"}, "display_name: 'd'"},
      {{"error"}, ""},
      {{"jobSpec.scheduling.disableRetries"}, "job_spec { scheduling { disable_retries: true } }"},
      {{"job_spec.scheduling.timeout"}, "job_spec { scheduling { timeout { seconds: 1 } } }"},
      {{"job_spec.worker_pool_specs.machine_spec.machine_type"},
       "job_spec { worker_pool_specs { machine_spec { machine_type: 'm' } } "
       "worker_pool_specs { machine_spec { machine_type: 'n' } } }"},
      {{"job_spec.scheduling", "job_spec.scheduling.timeout"},
       "job_spec { scheduling { timeout { seconds: 1 } disable_retries: true } }"},
      {{"job_spec.scheduling.timeout", "job_spec.scheduling"},
       "job_spec { scheduling { timeout { seconds: 1 } disable_retries: true } }"},
  };
  for (const Case& c : cases) {
    google::protobuf::FieldMask mask;
    for (const std::string& path : c.paths) mask.add_paths(path);
    absl::StatusOr<ReadMask> parsed = ReadMask::Parse(mask, *CustomJob::descriptor());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    CustomJob job = Parsed(kJob);
    parsed->Trim(job);
    EXPECT_EQ(job.DebugString(), Parsed(c.left).DebugString());
  }
}

TEST(ReadMaskTest, NamesTheBadPath) {
  for (const char* path : {"nonesuch", "", ".", "name.", "name.x", "labels.k", "job_spec.nonesuch",
                           "job_spec..network", "Name"}) {
    google::protobuf::FieldMask mask;
    mask.add_paths("name");
    mask.add_paths(path);
    absl::Status status = ReadMask::Parse(mask, *CustomJob::descriptor()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << path;
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr(path));
  }
  google::protobuf::FieldMask many;
  for (int i = 0; i < 1001; ++i) many.add_paths("name");
  EXPECT_FALSE(ReadMask::Parse(many, *CustomJob::descriptor()).ok());
}

}  // namespace
}  // namespace trainyard::api
