#include "edge/method_table.h"

#include <gtest/gtest.h>

#include "edge/version_bridge.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"
#include "google/longrunning/operations.pb.h"

namespace trainyard::edge {
namespace {

std::unique_ptr<MethodTable> NewTable() {
  auto table = MethodTable::Create(EmbeddedDescriptorSet());
  EXPECT_TRUE(table.ok()) << table.status();
  return *std::move(table);
}

Registration Handled() {
  Registration registration;
  registration.permission = "aiplatform.customJobs.get";
  registration.resource_field = "name";
  registration.handler = [](const Call&, const google::protobuf::Message&, Responder) {};
  return registration;
}

TEST(MethodTableTest, KnowsEveryServiceThatClientsCall) {
  auto table = NewTable();
  for (const char* name :
       {"google.cloud.aiplatform.v1.JobService/CreateCustomJob",
        "google.cloud.aiplatform.v1beta1.JobService/CreateCustomJob",
        "google.cloud.aiplatform.v1.PipelineService/CreateTrainingPipeline",
        "google.cloud.aiplatform.v1.VizierService/SuggestTrials",
        "google.longrunning.Operations/GetOperation", "google.cloud.location.Locations/GetLocation",
        "google.cloud.resourcemanager.v3.Projects/GetProject",
        "google.logging.v2.LoggingServiceV2/ListLogEntries",
        "trainyard.admin.v1.AdminService/ExplainJob", "grpc.health.v1.Health/Check",
        "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}) {
    const Method* method = table->Find(name);
    ASSERT_NE(method, nullptr) << name;
    EXPECT_EQ(method->full_name, name);
    EXPECT_FALSE(method->implemented);
  }
  EXPECT_EQ(table->Find("google.cloud.aiplatform.v1.JobService/Nothing"), nullptr);
  EXPECT_EQ(table->Find(""), nullptr);
}

TEST(MethodTableTest, StreamingKinds) {
  auto table = NewTable();
  const struct {
    const char* name;
    Streaming streaming;
  } rows[] = {
      {"google.cloud.aiplatform.v1.JobService/GetCustomJob", Streaming::kUnary},
      {"google.cloud.aiplatform.v1.PredictionService/ServerStreamingPredict", Streaming::kServer},
      {"google.cloud.aiplatform.v1.PredictionService/StreamingPredict", Streaming::kBidirectional},
      {"google.logging.v2.LoggingServiceV2/TailLogEntries", Streaming::kBidirectional},
      {"grpc.health.v1.Health/Watch", Streaming::kServer},
  };
  for (const auto& row : rows) {
    ASSERT_NE(table->Find(row.name), nullptr) << row.name;
    EXPECT_EQ(table->Find(row.name)->streaming, row.streaming) << row.name;
  }
}

TEST(MethodTableTest, EveryBetaMethodWithANamesakeHasItsShape) {
  auto table = NewTable();
  int twins = 0;
  for (const Method* method : table->methods()) {
    const std::string stable = InVersion(method->full_name, "v1beta1", "v1");
    if (stable.empty() || table->Find(stable) == nullptr) {
      EXPECT_EQ(method->twin, "") << method->full_name;
      continue;
    }
    EXPECT_EQ(method->twin, stable);
    ++twins;
  }
  EXPECT_GT(twins, 300);
}

TEST(MethodTableTest, RegistersBothVersions) {
  auto table = NewTable();
  const auto& prototype = google::cloud::aiplatform::v1::GetCustomJobRequest::default_instance();
  table->Register("google.cloud.aiplatform.v1.JobService/GetCustomJob", prototype, Handled());
  for (const char* version : {"v1", "v1beta1"}) {
    const Method* method =
        table->Find(std::string("google.cloud.aiplatform.") + version + ".JobService/GetCustomJob");
    EXPECT_TRUE(method->implemented);
    EXPECT_EQ(method->request_prototype, &prototype);
    EXPECT_EQ(method->registration.permission, "aiplatform.customJobs.get");
  }
  EXPECT_FALSE(table->Find("google.cloud.aiplatform.v1.JobService/ListCustomJobs")->implemented);
}

TEST(MethodTableDeathTest, RefusesWrongRegistrations) {
  auto table = NewTable();
  const auto& request = google::cloud::aiplatform::v1::GetCustomJobRequest::default_instance();
  const std::string service = "google.cloud.aiplatform.v1.JobService/";
  EXPECT_DEATH(table->Register(service + "GetNothing", request, Handled()), "CHECK|failed");
  EXPECT_DEATH(table->Register(service + "ListCustomJobs", request, Handled()), "CHECK|failed");
  Registration wrong_field = Handled();
  wrong_field.resource_field = "parent";
  EXPECT_DEATH(table->Register(service + "GetCustomJob", request, wrong_field), "CHECK|failed");
}

TEST(MethodTableTest, RefusesBrokenDescriptorSets) {
  EXPECT_FALSE(MethodTable::Create("\xFF\xFF").ok());
  // One file that imports another which is not there.
  const std::string missing_import =
      std::string("\x0A\x0E\x0A\x01") + "a" + "\x1A\x01" + "b" + "\x62\x06proto3";
  EXPECT_FALSE(MethodTable::Create(missing_import).ok());
}

}  // namespace
}  // namespace trainyard::edge
