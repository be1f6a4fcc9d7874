#include "edge/version_bridge.h"

#include <gtest/gtest.h>

#include <string>

#include "edge/method_table.h"
#include "edge/wire.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"
#include "google/cloud/aiplatform/v1/operation.pb.h"
#include "google/longrunning/operations.pb.h"
#include "google/rpc/status.pb.h"

namespace trainyard::edge {
namespace {

using google::cloud::aiplatform::v1::CustomJob;
using google::cloud::aiplatform::v1::DeleteOperationMetadata;

class VersionBridgeTest : public testing::Test {
 protected:
  const google::protobuf::Descriptor& Type(const std::string& name) {
    return *table_->pool().FindMessageTypeByName(name);
  }
  std::string ToBeta(const google::protobuf::Message& message) {
    auto bytes = RewriteVersion(message.SerializeAsString(),
                                Type(message.GetDescriptor()->full_name()), "v1", "v1beta1");
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    return *bytes;
  }

  std::unique_ptr<MethodTable> table_ = MethodTable::Create(EmbeddedDescriptorSet()).value();
};

TEST_F(VersionBridgeTest, RewritesTheTypesOfAnOperation) {
  google::longrunning::Operation operation;
  operation.set_name("projects/p/locations/l/operations/1");
  operation.set_done(true);
  operation.mutable_metadata()->PackFrom(DeleteOperationMetadata());
  CustomJob job;
  job.set_display_name("x");
  operation.mutable_response()->PackFrom(job);

  google::longrunning::Operation beta;
  ASSERT_TRUE(beta.ParseFromString(ToBeta(operation)));
  const std::string prefix = "type.googleapis.com/google.cloud.aiplatform.v1beta1.";
  EXPECT_EQ(beta.metadata().type_url(), prefix + "DeleteOperationMetadata");
  EXPECT_EQ(beta.response().type_url(), prefix + "CustomJob");
  EXPECT_EQ(beta.response().value(), operation.response().value());
  EXPECT_EQ(beta.name(), operation.name());

  auto back = RewriteVersion(beta.SerializeAsString(), Type("google.longrunning.Operation"),
                             "v1beta1", "v1");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, operation.SerializeAsString());
}

TEST_F(VersionBridgeTest, OtherTypesStay) {
  google::longrunning::Operation operation;
  operation.mutable_response()->set_type_url("type.googleapis.com/google.protobuf.Empty");
  operation.mutable_metadata()->set_type_url(
      "type.googleapis.com/google.cloud.aiplatform.v1.OnlyInTheOtherVersion");
  operation.mutable_metadata()->set_value("\xFF no message");
  EXPECT_EQ(ToBeta(operation), operation.SerializeAsString());
}

TEST_F(VersionBridgeTest, AnAnyWithinAnAny) {
  CustomJob job;
  google::protobuf::Any inner;
  inner.PackFrom(DeleteOperationMetadata());
  *job.mutable_error()->add_details() = inner;
  google::longrunning::Operation operation;
  operation.mutable_response()->PackFrom(job);
  google::longrunning::Operation beta;
  ASSERT_TRUE(beta.ParseFromString(ToBeta(operation)));
  CustomJob beta_job;
  ASSERT_TRUE(beta_job.ParseFromString(beta.response().value()));
  EXPECT_EQ(beta_job.error().details(0).type_url(),
            "type.googleapis.com/google.cloud.aiplatform.v1beta1.DeleteOperationMetadata");
}

TEST_F(VersionBridgeTest, UnknownFieldsAreKept) {
  CustomJob job;
  job.set_display_name("x");
  job.mutable_error()->set_message("m");
  std::string bytes = job.SerializeAsString();
  AppendBytesField(7000, "from a newer client", bytes);
  AppendVarintField(7001, 5, bytes);
  auto rewritten =
      RewriteVersion(bytes, Type("google.cloud.aiplatform.v1beta1.CustomJob"), "v1beta1", "v1");
  ASSERT_TRUE(rewritten.ok());
  EXPECT_EQ(*rewritten, bytes);
  ASSERT_TRUE(job.ParseFromString(*rewritten));
  EXPECT_EQ(job.SerializeAsString(), bytes);
}

TEST_F(VersionBridgeTest, MalformedAndEndless) {
  const auto& type = Type("google.longrunning.Operation");
  EXPECT_FALSE(RewriteVersion("\xFF", type, "v1beta1", "v1").ok());
  EXPECT_FALSE(RewriteVersion(std::string("\x12\x02\x0A\x09", 4), type, "v1beta1", "v1").ok());
  google::protobuf::Any any;
  for (int i = 0; i < 3000; ++i) {
    google::protobuf::Any outer;
    outer.PackFrom(any);
    any = outer;
  }
  google::longrunning::Operation operation;
  *operation.mutable_response() = any;
  EXPECT_EQ(ToBeta(operation).size(), operation.ByteSizeLong());
}

TEST_F(VersionBridgeTest, Names) {
  EXPECT_EQ(InVersion("google.cloud.aiplatform.v1.A", "v1", "v1beta1"),
            "google.cloud.aiplatform.v1beta1.A");
  EXPECT_EQ(InVersion("google.cloud.aiplatform.v1beta1.A", "v1", "v1beta1"), "");
  EXPECT_EQ(InVersion("google.protobuf.Any", "v1", "v1beta1"), "");
}

TEST_F(VersionBridgeTest, Shapes) {
  const auto& job = Type("google.cloud.aiplatform.v1.CustomJob");
  EXPECT_TRUE(CheckSameShape(Type("google.cloud.aiplatform.v1beta1.CustomJob"), job).ok());
  EXPECT_FALSE(CheckSameShape(Type("google.cloud.aiplatform.v1.Model"), job).ok());
}

}  // namespace
}  // namespace trainyard::edge
