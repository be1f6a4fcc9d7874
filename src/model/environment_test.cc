#include <map>
#include <string>

#include "absl/strings/match.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "model/custom_job.h"

namespace trainyard::model {
namespace {

ReplicaEnvironment Primary() {
  ReplicaEnvironment replica;
  replica.job_id = "4569671626135699456";
  replica.project = "my-project";
  replica.location = "us-central1";
  replica.attempt_hash = "33d7222dd4";
  return replica;
}

void AddVariable(CustomJobSpec& spec, const char* name, const std::string& value) {
  if (spec.worker_pool_specs_size() == 0) spec.add_worker_pool_specs();
  auto* variable = spec.mutable_worker_pool_specs(0)->mutable_container_spec()->add_env();
  variable->set_name(name);
  variable->set_value(value);
}

std::map<std::string, std::string> MapOf(const CustomJobSpec& spec,
                                         const ReplicaEnvironment& replica) {
  auto list = EnvironmentOf(spec, replica);
  std::map<std::string, std::string> map(list.begin(), list.end());
  EXPECT_EQ(map.size(), list.size()) << "a name appears twice";
  return map;
}

TEST(EnvironmentTest, ServiceVariables) {
  CustomJobSpec spec;
  spec.add_worker_pool_specs()->mutable_container_spec()->set_image_uri("python:3.11");
  spec.mutable_base_output_directory()->set_output_uri_prefix("gs://bucket/out/");
  auto variables = MapOf(spec, Primary());
  std::map<std::string, std::string> expected = {
      {"AIP_MODEL_DIR", "gs://bucket/out/model/"},
      {"AIP_CHECKPOINT_DIR", "gs://bucket/out/checkpoints/"},
      {"AIP_TENSORBOARD_LOG_DIR", "gs://bucket/out/logs/"},
      {"AIP_HTTP_HANDLER_PORT", "8080"},
      {"CLOUD_ML_PROJECT_ID", ProjectNumber("my-project")},
      {"CLOUD_ML_JOB_ID", "4569671626135699456"},
      {"CLOUD_ML_REGION", "us-central1"},
      {"MASTER_ADDR", "localhost"},
      {"MASTER_PORT", "3333"},
      {"RANK", "0"},
      {"WORLD_SIZE", "1"},
      {"CLUSTER_SPEC", ClusterSpecOf(spec, Primary())}};
  EXPECT_EQ(variables, expected);
}

TEST(EnvironmentTest, NoOutputDirectoryNoDirectories) {
  CustomJobSpec spec;
  spec.add_worker_pool_specs();
  auto variables = MapOf(spec, Primary());
  EXPECT_FALSE(variables.contains("AIP_MODEL_DIR"));
  EXPECT_TRUE(variables.contains("CLUSTER_SPEC"));
}

TEST(EnvironmentTest, OutputDirectoryWithoutSlash) {
  CustomJobSpec spec;
  spec.mutable_base_output_directory()->set_output_uri_prefix("gs://bucket/out");
  EXPECT_EQ(MapOf(spec, Primary())["AIP_MODEL_DIR"], "gs://bucket/out/model/");
}

TEST(EnvironmentTest, UserVariables) {
  CustomJobSpec spec;
  AddVariable(spec, "A", "1");
  AddVariable(spec, "B", "$(A)-$(CLOUD_ML_JOB_ID)-$(LATER)-$$(A)");
  AddVariable(spec, "LATER", "2");
  AddVariable(spec, "CLOUD_ML_JOB_ID", "mine");
  AddVariable(spec, "AIP_MODEL_DIR", "mine where the service sets none");
  auto list = EnvironmentOf(spec, Primary());
  EXPECT_EQ(list[0], std::make_pair(std::string("A"), std::string("1")));
  EXPECT_EQ(list[1].second, "1-4569671626135699456-$(LATER)-$(A)");
  auto variables = MapOf(spec, Primary());
  EXPECT_EQ(variables["CLOUD_ML_JOB_ID"], "4569671626135699456");
  EXPECT_EQ(variables["AIP_MODEL_DIR"], "mine where the service sets none");
}

TEST(EnvironmentTest, PythonPackagesHaveVariablesToo) {
  CustomJobSpec spec;
  auto* variable =
      spec.add_worker_pool_specs()->mutable_python_package_spec()->mutable_env()->Add();
  variable->set_name("X");
  variable->set_value("y");
  EXPECT_EQ(MapOf(spec, Primary())["X"], "y");
}

TEST(EnvironmentTest, VariablesThatDoubleStaySmall) {
  CustomJobSpec spec;
  AddVariable(spec, "V0", "xxxxxxxxxx");
  for (int i = 1; i < 100; ++i) {
    std::string last = "$(V" + std::to_string(i - 1) + ")";
    AddVariable(spec, ("V" + std::to_string(i)).c_str(), last + last);
  }
  size_t bytes = 0;
  for (const auto& [name, value] : EnvironmentOf(spec, Primary())) bytes += value.size();
  EXPECT_LT(bytes, 100u * (129 << 10));
}

TEST(EnvironmentTest, RendezvousOfSeveralPools) {
  CustomJobSpec spec;
  spec.add_worker_pool_specs()->set_replica_count(1);
  spec.add_worker_pool_specs()->set_replica_count(3);
  spec.add_worker_pool_specs()->set_replica_count(2);
  struct Case {
    int pool, index;
    const char* rank;
    const char* address;
  };
  for (const Case& c :
       {Case{0, 0, "0", "localhost"}, Case{1, 0, "1", "cmle-training-workerpool0-33d7222dd4-0"},
        Case{1, 2, "3", "cmle-training-workerpool0-33d7222dd4-0"}}) {
    ReplicaEnvironment replica = Primary();
    replica.pool = c.pool;
    replica.index = c.index;
    auto variables = MapOf(spec, replica);
    EXPECT_EQ(variables["RANK"], c.rank);
    EXPECT_EQ(variables["WORLD_SIZE"], "4");
    EXPECT_EQ(variables["MASTER_ADDR"], c.address);
  }
  ReplicaEnvironment reducer = Primary();
  reducer.pool = 2;
  EXPECT_FALSE(MapOf(spec, reducer).contains("RANK"));
}

TEST(ClusterSpecTest, OnePool) {
  CustomJobSpec spec;
  auto* container = spec.add_worker_pool_specs()->mutable_container_spec();
  container->set_image_uri("python:3.11");
  container->add_args("\"quoted\"");
  EXPECT_EQ(ClusterSpecOf(spec, Primary()),
            R"({"cluster":{"workerpool0":["cmle-training-workerpool0-33d7222dd4-0:2222"]},)"
            R"("environment":"cloud","task":{"type":"workerpool0","index":0},)"
            R"("job":{"workerPoolSpecs":[{"containerSpec":{"imageUri":"python:3.11",)"
            R"("args":["\"quoted\""]}}]}})");
}

TEST(ClusterSpecTest, AbsentPoolsAreAbsentKeys) {
  CustomJobSpec spec;
  spec.add_worker_pool_specs()->set_replica_count(1);
  spec.add_worker_pool_specs();
  spec.add_worker_pool_specs()->set_replica_count(2);
  ReplicaEnvironment replica = Primary();
  replica.pool = 2;
  replica.index = 1;
  google::protobuf::Struct parsed;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(ClusterSpecOf(spec, replica), &parsed).ok());
  const auto& cluster = parsed.fields().at("cluster").struct_value().fields();
  EXPECT_EQ(cluster.size(), 2u);
  EXPECT_EQ(cluster.at("workerpool2").list_value().values(1).string_value(),
            "cmle-training-workerpool2-33d7222dd4-1:2222");
  const auto& task = parsed.fields().at("task").struct_value().fields();
  EXPECT_EQ(task.at("type").string_value(), "workerpool2");
  EXPECT_EQ(task.at("index").number_value(), 1);
}

TEST(ClusterSpecTest, ALongSpecIsLeftOut) {
  CustomJobSpec spec;
  spec.add_worker_pool_specs()->mutable_container_spec()->add_args(std::string(125'000, 'x'));
  std::string text = ClusterSpecOf(spec, Primary());
  EXPECT_LT(text.size(), 1000u);
  EXPECT_FALSE(absl::StrContains(text, "\"job\""));
  google::protobuf::Struct parsed;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &parsed).ok());
}

}  // namespace
}  // namespace trainyard::model
