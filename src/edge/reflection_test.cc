#include "edge/reflection.h"

#include <gtest/gtest.h>

#include <set>

#include "google/protobuf/descriptor.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"

namespace trainyard::edge {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;

class ReflectionTest : public testing::Test {
 protected:
  ServerReflectionResponse Ask(const ServerReflectionRequest& request) {
    ServerReflectionResponse response;
    auto answer = AnswerReflection(*table_, request.SerializeAsString());
    EXPECT_TRUE(answer.ok() && response.ParseFromString(*answer));
    EXPECT_EQ(response.original_request().SerializeAsString(), request.SerializeAsString());
    return response;
  }

  std::unique_ptr<MethodTable> table_ = MethodTable::Create(EmbeddedDescriptorSet()).value();
};

TEST_F(ReflectionTest, ListsServices) {
  ServerReflectionRequest request;
  request.set_list_services("");
  std::set<std::string> names;
  const auto response = Ask(request);
  for (const auto& service : response.list_services_response().service()) {
    names.insert(service.name());
  }
  EXPECT_EQ(names.count("google.cloud.aiplatform.v1.JobService"), 1);
  EXPECT_EQ(names.count("grpc.reflection.v1alpha.ServerReflection"), 1);
  EXPECT_EQ(names.size(), table_->services().size());
}

// A client builds the files in the order in which they come.
TEST_F(ReflectionTest, FilesComeAfterTheirImports) {
  ServerReflectionRequest by_symbol;
  by_symbol.set_file_containing_symbol("google.cloud.aiplatform.v1.JobService.CreateCustomJob");
  ServerReflectionRequest by_name;
  by_name.set_file_by_filename("google/cloud/aiplatform/v1/job_service.proto");
  for (const auto& request : {by_symbol, by_name}) {
    google::protobuf::DescriptorPool pool;
    const auto response = Ask(request);
    for (const auto& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      ASSERT_TRUE(file.ParseFromString(bytes));
      ASSERT_NE(pool.BuildFile(file), nullptr) << file.name();
    }
    EXPECT_NE(pool.FindMessageTypeByName("google.cloud.aiplatform.v1.CustomJob"), nullptr);
  }
}

TEST_F(ReflectionTest, Extensions) {
  ServerReflectionRequest request;
  request.set_all_extension_numbers_of_type("google.protobuf.MethodOptions");
  bool found = false;
  const auto response = Ask(request);
  for (int number : response.all_extension_numbers_response().extension_number()) {
    if (number == 72295728) found = true;
  }
  EXPECT_TRUE(found);
  request.mutable_file_containing_extension()->set_containing_type("google.protobuf.MethodOptions");
  request.mutable_file_containing_extension()->set_extension_number(72295728);
  EXPECT_GT(Ask(request).file_descriptor_response().file_descriptor_proto_size(), 0);
}

TEST_F(ReflectionTest, WhatIsNotThereIsAnAnswer) {
  ServerReflectionRequest request;
  EXPECT_EQ(Ask(request).error_response().error_code(), 3);
  request.set_file_by_filename("nothing.proto");
  EXPECT_EQ(Ask(request).error_response().error_code(), 5);
  request.set_file_containing_symbol("no.Symbol");
  EXPECT_EQ(Ask(request).error_response().error_code(), 5);
  request.set_all_extension_numbers_of_type("no.Type");
  EXPECT_EQ(Ask(request).error_response().error_code(), 5);
  request.mutable_file_containing_extension()->set_containing_type("no.Type");
  EXPECT_EQ(Ask(request).error_response().error_code(), 5);
  EXPECT_FALSE(AnswerReflection(*table_, "\xFF").ok());
}

TEST_F(ReflectionTest, Health) {
  RegisterHealth(*table_);
  const Method& check = *table_->Find("grpc.health.v1.Health/Check");
  auto status_of = [&](const char* service) {
    HealthCheckRequest request;
    request.set_service(service);
    std::string result;
    check.registration.handler(Call(), request, [&](Response response) {
      result = response.ok() ? HealthCheckResponse::ServingStatus_Name(
                                   static_cast<HealthCheckResponse&>(**response).status())
                             : std::string(response.status().message());
    });
    return result;
  };
  EXPECT_EQ(status_of(""), "SERVING");
  EXPECT_EQ(status_of("grpc.health.v1.Health"), "SERVING");
  EXPECT_EQ(status_of("google.cloud.aiplatform.v1.VizierService"), "NOT_SERVING");
  EXPECT_EQ(status_of("no.Service"), "Unknown service no.Service.");
}

}  // namespace
}  // namespace trainyard::edge
