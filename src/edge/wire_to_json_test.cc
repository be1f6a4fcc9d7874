#include "edge/wire_to_json.h"

#include <gtest/gtest.h>

#include <string>

#include "edge/method_table.h"
#include "edge/wire.h"
#include "google/cloud/aiplatform/v1/custom_job.pb.h"
#include "google/longrunning/operations.pb.h"

namespace trainyard::edge {
namespace {

using google::cloud::aiplatform::v1::CustomJob;
using google::protobuf::Descriptor;

class WireToJsonTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    table_ = MethodTable::Create(EmbeddedDescriptorSet()).value().release();
  }
  static void TearDownTestSuite() { delete table_; }

  static const Descriptor& Type(const std::string& name) {
    return *table_->pool().FindMessageTypeByName(name);
  }
  static std::string Print(const google::protobuf::Message& message, JsonOptions options = {}) {
    return PrintBytes(message.SerializeAsString(), message.GetDescriptor()->full_name(), options);
  }
  static std::string PrintBytes(const std::string& bytes, const std::string& type,
                                JsonOptions options = {}) {
    auto json = WireToJson(bytes, Type(type), options);
    return json.ok() ? *json : std::string(json.status().message());
  }
  static JsonOptions Compact() {
    JsonOptions options;
    options.pretty = false;
    return options;
  }

  static MethodTable* table_;
};
MethodTable* WireToJsonTest::table_ = nullptr;

TEST_F(WireToJsonTest, PrettyLikeGoogles) {
  CustomJob job;
  EXPECT_EQ(Print(job), "{}\n");
  job.set_name("projects/p/locations/l/customJobs/1");
  job.set_state(google::cloud::aiplatform::v1::JOB_STATE_FAILED);
  auto* pool = job.mutable_job_spec()->add_worker_pool_specs();
  pool->set_replica_count(1);
  pool->mutable_container_spec()->add_args("-x");
  job.mutable_job_spec()->add_worker_pool_specs();
  job.mutable_create_time()->set_seconds(1767323045);
  job.mutable_create_time()->set_nanos(678000000);
  EXPECT_EQ(Print(job), R"({
  "name": "projects/p/locations/l/customJobs/1",
  "jobSpec": {
    "workerPoolSpecs": [
      {
        "replicaCount": "1",
        "containerSpec": {
          "args": [
            "-x"
          ]
        }
      },
      {}
    ]
  },
  "state": "JOB_STATE_FAILED",
  "createTime": "2026-01-02T03:04:05.678Z"
}
)");
  JsonOptions options = Compact();
  options.enums_as_numbers = true;
  CustomJob small;
  small.set_state(google::cloud::aiplatform::v1::JOB_STATE_FAILED);
  EXPECT_EQ(Print(small, options), R"({"state":5})");
}

// Bytes that our own serializer never writes but that mean something all the same.
TEST_F(WireToJsonTest, AnyOrderAndRepetitionOfFields) {
  std::string bytes;
  AppendVarintField(5, 3, bytes);  // state
  AppendBytesField(1, "first", bytes);
  AppendVarintField(9999, 1, bytes);  // unknown
  AppendVarintField(5, 4, bytes);
  AppendBytesField(1, "last", bytes);
  std::string part;
  AppendBytesField(5, "net", part);  // job_spec.network
  AppendBytesField(4, part, bytes);
  part.clear();
  AppendBytesField(4, "account", part);  // job_spec.service_account
  AppendBytesField(4, part, bytes);
  EXPECT_EQ(PrintBytes(bytes, "google.cloud.aiplatform.v1.CustomJob", Compact()),
            R"({"name":"last","jobSpec":{"serviceAccount":"account","network":"net"},)"
            R"("state":"JOB_STATE_SUCCEEDED"})");
  // A field whose wire type is another's is unknown.
  bytes.clear();
  AppendVarintField(1, 7, bytes);
  AppendBytesField(5, "x", bytes);
  EXPECT_EQ(PrintBytes(bytes, "google.cloud.aiplatform.v1.CustomJob", Compact()), "{}");
}

TEST_F(WireToJsonTest, PackedAndUnpacked) {
  const std::string type = "google.protobuf.SourceCodeInfo.Location";
  std::string packed;
  AppendVarint(1, packed);
  AppendVarint(300, packed);
  std::string bytes;
  AppendBytesField(1, packed, bytes);  // path, repeated int32
  AppendVarintField(1, 5, bytes);
  EXPECT_EQ(PrintBytes(bytes, type, Compact()), R"({"path":[1,300,5]})");
  AppendBytesField(1, "\xFF", bytes);
  EXPECT_EQ(PrintBytes(bytes, type, Compact()), "Malformed " + type + ".path.");
}

TEST_F(WireToJsonTest, AnyOfAnOperation) {
  google::longrunning::Operation operation;
  operation.set_done(true);
  CustomJob job;
  job.set_display_name("x");
  operation.mutable_response()->PackFrom(job);
  EXPECT_EQ(Print(operation, Compact()),
            R"({"done":true,"response":{"@type":)"
            R"("type.googleapis.com/google.cloud.aiplatform.v1.CustomJob","displayName":"x"}})");
  // What cannot be shown is shown raw, and spoils nothing.
  operation.mutable_metadata()->set_type_url("type.googleapis.com/no.Such");
  operation.mutable_metadata()->set_value("abc");
  operation.mutable_response()->set_value("\xFF");
  EXPECT_EQ(Print(operation, Compact()),
            R"({"metadata":{"@type":"type.googleapis.com/no.Such","value":"YWJj"},"done":true,)"
            R"("response":{"@type":"type.googleapis.com/google.cloud.aiplatform.v1.CustomJob",)"
            R"("value":"/w=="}})");
  operation.Clear();
  operation.mutable_response();
  EXPECT_EQ(Print(operation, Compact()), R"({"response":{}})");
}

TEST_F(WireToJsonTest, DeepNestingEnds) {
  google::protobuf::Any any;
  for (int i = 0; i < 5000; ++i) {
    google::protobuf::Any outer;
    outer.PackFrom(any);
    any = outer;
  }
  EXPECT_NE(Print(any, Compact()).find("\"@type\""), std::string::npos);
  std::string list;
  for (int i = 0; i < 1000; ++i) {
    std::string value;
    AppendBytesField(6, list, value);
    list.clear();
    AppendBytesField(1, value, list);
  }
  EXPECT_EQ(PrintBytes(list, "google.protobuf.ListValue"), "A message is nested too deep.");
}

TEST_F(WireToJsonTest, BadBytes) {
  for (const char* bytes : {"\xFF", "\x0A\x05x", "\x0F", "\x0B", "\x0C", "\x22\x02\x0A\x05"}) {
    EXPECT_EQ(PrintBytes(bytes, "google.cloud.aiplatform.v1.CustomJob").substr(0, 9), "Malformed")
        << bytes;
  }
  std::string bytes;
  AppendBytesField(1, "a\xFF\xC3\xA9\xE2\x82", bytes);
  EXPECT_EQ(PrintBytes(bytes, "google.cloud.aiplatform.v1.CustomJob", Compact()),
            "{\"name\":\"a\uFFFD\u00e9\uFFFD\uFFFD\"}");
}

TEST_F(WireToJsonTest, MapsByKeyLastOfEqualsCounts) {
  std::string bytes;
  for (auto [key, value] : {std::pair("b", "1"), std::pair("a", "2"), std::pair("b", "3")}) {
    std::string entry;
    AppendBytesField(1, key, entry);
    AppendBytesField(2, value, entry);
    AppendBytesField(11, entry, bytes);  // labels
  }
  AppendBytesField(11, "", bytes);
  EXPECT_EQ(PrintBytes(bytes, "google.cloud.aiplatform.v1.CustomJob", Compact()),
            R"({"labels":{"":"","a":"2","b":"3"}})");
}

TEST_F(WireToJsonTest, SelectedFields) {
  CustomJob job;
  job.set_name("n");
  job.set_display_name("d");
  for (const char* image : {"i1", "i2"}) {
    auto* pool = job.mutable_job_spec()->add_worker_pool_specs();
    pool->set_replica_count(1);
    pool->mutable_container_spec()->set_image_uri(image);
  }
  (*job.mutable_labels())["k"] = "v";
  const struct {
    const char* fields;
    const char* json;
  } rows[] = {
      {"name", R"({"name":"n"})"},
      {"name,displayName", R"({"name":"n","displayName":"d"})"},
      {"job_spec/worker_pool_specs/container_spec/image_uri",
       R"({"jobSpec":{"workerPoolSpecs":[{"containerSpec":{"imageUri":"i1"}},)"
       R"({"containerSpec":{"imageUri":"i2"}}]}})"},
      {"jobSpec.workerPoolSpecs(replicaCount)",
       R"({"jobSpec":{"workerPoolSpecs":[{"replicaCount":"1"},{"replicaCount":"1"}]}})"},
      {"labels,error", R"({"labels":{"k":"v"}})"},
      {"*", R"({"name":"n","displayName":"d","jobSpec":{"workerPoolSpecs":[{"replicaCount":"1",)"
            R"("containerSpec":{"imageUri":"i1"}},{"replicaCount":"1","containerSpec":)"
            R"({"imageUri":"i2"}}]},"labels":{"k":"v"}})"},
  };
  const Descriptor& type = Type("google.cloud.aiplatform.v1.CustomJob");
  for (const auto& row : rows) {
    auto selection = ParseFieldSelection(row.fields, type);
    ASSERT_TRUE(selection.ok()) << selection.status();
    JsonOptions options = Compact();
    options.fields = &*selection;
    EXPECT_EQ(Print(job, options), row.json) << row.fields;
  }
  for (const std::string bad :
       {"", ",", "nme", "name,", "name)", "jobSpec(", "jobSpec()", "jobSpec/x", "name name"}) {
    EXPECT_FALSE(ParseFieldSelection(bad, type).ok()) << bad;
  }
  std::string deep = "labels";
  for (int i = 0; i < 100000; ++i) deep += "(a";
  EXPECT_FALSE(ParseFieldSelection(deep, type).ok());
}

}  // namespace
}  // namespace trainyard::edge
