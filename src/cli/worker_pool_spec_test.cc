#include "cli/worker_pool_spec.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace trainyard::cli {
namespace {

TEST(WorkerPoolSpec, ReadsGcloudsKeys) {
  auto pool = ParseWorkerPoolSpec(
      "machine-type=n1-standard-4, "
      "replica-count=2,accelerator-type=nvidia-tesla-t4,container-image-uri=a/b:1,"
      "disk-type=pd-standard,disk-size=200");
  ASSERT_TRUE(pool.ok()) << pool.status();
  EXPECT_EQ(pool->machine_spec().machine_type(), "n1-standard-4");
  EXPECT_EQ(pool->replica_count(), 2);
  EXPECT_EQ(pool->machine_spec().accelerator_type(),
            google::cloud::aiplatform::v1::NVIDIA_TESLA_T4);
  EXPECT_EQ(pool->machine_spec().accelerator_count(), 1);
  EXPECT_EQ(pool->container_spec().image_uri(), "a/b:1");
  EXPECT_EQ(pool->disk_spec().boot_disk_size_gb(), 200);
  EXPECT_EQ(ParseWorkerPoolSpec("machine-type=x")->replica_count(), 1);
  EXPECT_EQ(ParseWorkerPoolSpec(" ")->ByteSizeLong(), 0u) << "a skipped pool";
}

TEST(WorkerPoolSpec, NamesWhatIsWrong) {
  struct {
    const char* text;
    const char* want;
  } cases[] = {{"machine-type", "key=value"},
               {"machin-type=x", "unknown key \"machin-type\""},
               {"replica-count=two", "expected a number"},
               {"replica-count=-1", "expected a number"},
               {"accelerator-type=gpu", "no such accelerator"}};
  for (const auto& c : cases) {
    absl::Status status = ParseWorkerPoolSpec(c.text).status();
    EXPECT_TRUE(absl::StrContains(status.message(), c.want)) << c.text << ": " << status;
  }
}

TEST(JobSpecFile, ReadsBothNameStylesAndYamlTypes) {
  for (const char* text :
       {"workerPoolSpecs:\n- machineSpec: {machineType: n1-standard-4}\n  replicaCount: 1\n  "
        "containerSpec:\n"
        "    imageUri: a\n    args: [--x=1, 2]\nscheduling: {timeout: 10s, disableRetries: true}\n",
        "{\"worker_pool_specs\": [{\"machine_spec\": {\"machine_type\": \"n1-standard-4\"}, "
        "\"replica_count\": \"1\","
        "\"container_spec\": {\"image_uri\": \"a\", \"args\": [\"--x=1\", \"2\"]}}],"
        "\"scheduling\": {\"timeout\": \"10s\", \"disable_retries\": true}}"}) {
    auto spec = ParseJobSpecFile(text);
    ASSERT_TRUE(spec.ok()) << spec.status();
    ASSERT_EQ(spec->worker_pool_specs_size(), 1);
    EXPECT_EQ(spec->worker_pool_specs(0).machine_spec().machine_type(), "n1-standard-4");
    EXPECT_EQ(spec->worker_pool_specs(0).replica_count(), 1);
    EXPECT_EQ(spec->worker_pool_specs(0).container_spec().args(1), "2");
    EXPECT_EQ(spec->scheduling().timeout().seconds(), 10);
    EXPECT_TRUE(spec->scheduling().disable_retries());
  }
}

TEST(JobSpecFile, NamesWhatIsWrong) {
  EXPECT_TRUE(absl::StrContains(ParseJobSpecFile("a: [").status().message(), "line"));
  EXPECT_TRUE(
      absl::StrContains(ParseJobSpecFile("workerPools: []").status().message(), "workerPools"));
}

TEST(JsonToYaml, MakesBlocks) {
  EXPECT_EQ(JsonToYaml(R"({"a": [{"b": "x y"}], "c": "1"})"), "a:\n  - b: x y\nc: \"1\"\n");
}

}  // namespace
}  // namespace trainyard::cli
