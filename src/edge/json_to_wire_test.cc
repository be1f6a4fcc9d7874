#include "edge/json_to_wire.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "edge/errors.h"
#include "edge/method_table.h"
#include "edge/wire_to_json.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"
#include "google/rpc/error_details.pb.h"

namespace trainyard::edge {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

class JsonToWireTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    table_ = MethodTable::Create(EmbeddedDescriptorSet()).value().release();
  }
  static void TearDownTestSuite() { delete table_; }

  static const Descriptor& Type(const std::string& name) {
    const Descriptor* type = table_->pool().FindMessageTypeByName(name);
    EXPECT_NE(type, nullptr) << name;
    return *type;
  }
  static const Descriptor& CustomJob() { return Type("google.cloud.aiplatform.v1.CustomJob"); }

  // In and out again, compact; or the error's text.
  static std::string RoundTrip(const Descriptor& type, absl::string_view json) {
    std::string wire;
    absl::Status status = JsonToWire(json, type, wire);
    if (!status.ok()) {
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
      return std::string(status.message());
    }
    JsonOptions options;
    options.pretty = false;
    auto back = WireToJson(wire, type, options);
    return back.ok() ? *back : std::string(back.status().message());
  }
  static std::string Error(absl::string_view json) { return RoundTrip(CustomJob(), json); }

  static MethodTable* table_;
};
MethodTable* JsonToWireTest::table_ = nullptr;

TEST_F(JsonToWireTest, BothNameStylesAndEveryKindOfValue) {
  const struct {
    const char* in;
    const char* out;
  } rows[] = {
      {R"({"displayName":"x"})", R"({"displayName":"x"})"},
      {R"({"display_name":"x"})", R"({"displayName":"x"})"},
      {R"( { "display_name" : "x" , "labels" : { "b":"2", "a":"1" } } )",
       R"({"displayName":"x","labels":{"a":"1","b":"2"}})"},
      {R"({"state":"JOB_STATE_RUNNING"})", R"({"state":"JOB_STATE_RUNNING"})"},
      {R"({"state":3})", R"({"state":"JOB_STATE_RUNNING"})"},
      {R"({"state":"3"})", R"({"state":"JOB_STATE_RUNNING"})"},
      {R"({"state":3.0})", R"({"state":"JOB_STATE_RUNNING"})"},
      {R"({"state":4711})", R"({"state":4711})"},
      {R"({"jobSpec":{"workerPoolSpecs":[{"replicaCount":"1"},{"replicaCount":2},{}]}})",
       R"({"jobSpec":{"workerPoolSpecs":[{"replicaCount":"1"},{"replicaCount":"2"},{}]}})"},
      {R"({"jobSpec":{"workerPoolSpecs":[{"replicaCount":1e1,"diskSpec":{"bootDiskSizeGb":100.0}}]}})",
       R"({"jobSpec":{"workerPoolSpecs":[{"replicaCount":"10","diskSpec":{"bootDiskSizeGb":100}}]}})"},
      {R"({"jobSpec":{"scheduling":{"timeout":"3600s","restartJobOnWorkerRestart":true}}})",
       R"({"jobSpec":{"scheduling":{"timeout":"3600s","restartJobOnWorkerRestart":true}}})"},
      {R"({"jobSpec":{"scheduling":{"timeout":"1.500s"}}})",
       R"({"jobSpec":{"scheduling":{"timeout":"1.500s"}}})"},
      {R"({"createTime":"2026-01-02T03:04:05.678901+01:00"})",
       R"({"createTime":"2026-01-02T02:04:05.678901Z"})"},
      {R"({"displayName":null,"labels":null,"jobSpec":null,"createTime":null,"state":null})", "{}"},
      {R"({"jobSpec":{}})", R"({"jobSpec":{}})"},
      {R"({"displayName":"\u00e9\ud83d\ude00\n\u0000<"})",
       "{\"displayName\":\"\u00e9\U0001F600\\n\\u0000\\u003c\"}"},
      {"", "{}"},
      {" \n", "{}"},
  };
  for (const auto& row : rows) EXPECT_EQ(RoundTrip(CustomJob(), row.in), row.out) << row.in;
}

// What the SDK sends as training_task_inputs: nothing in it is renamed, dropped or reordered by
// kind.
TEST_F(JsonToWireTest, ValuesAreKeptAsSent) {
  const Descriptor& pipeline = Type("google.cloud.aiplatform.v1.TrainingPipeline");
  const std::string json =
      R"({"trainingTaskInputs":{"empty":{},"list":[],"none":null,"nested":[[1,"1",true],{"a":1.5}],)"
      R"("worker_pool_specs":[{"containerSpec":{"imageUri":"x"},"machine_spec":{}},{}]}})";
  EXPECT_EQ(RoundTrip(pipeline, json),
            R"({"trainingTaskInputs":{"empty":{},"list":[],"nested":[[1,"1",true],{"a":1.5}],)"
            R"("none":null,"worker_pool_specs":[{"containerSpec":{"imageUri":"x"},)"
            R"("machine_spec":{}},{}]}})");
  EXPECT_EQ(RoundTrip(pipeline, R"({"trainingTaskInputs":null})"),
            R"({"trainingTaskInputs":null})");
  EXPECT_EQ(RoundTrip(pipeline, R"({"trainingTaskInputs":"text"})"),
            R"({"trainingTaskInputs":"text"})");
}

TEST_F(JsonToWireTest, Numbers) {
  const Descriptor& value = Type("google.protobuf.Value");
  const struct {
    const char* in;
    const char* out;
  } rows[] = {
      {"1", "1"},
      {"1.0", "1"},
      {"-0.5", "-0.5"},
      {"1e3", "1000"},
      {"0.1", "0.1"},
      {"1e-400", "0"},
      {"123456789012", "123456789012"},
      {"1e300", "1e+300"},
  };
  for (const auto& row : rows) EXPECT_EQ(RoundTrip(value, row.in), row.out) << row.in;
  for (const char* bad :
       {"01", "+1", "1.", ".5", "1e", "NaN", "Infinity", "0x10", "1e400", "--1"}) {
    EXPECT_TRUE(absl::StartsWith(RoundTrip(value, bad), "Inv")) << bad;
  }
  const Descriptor& wrapper = Type("google.protobuf.Int64Value");
  EXPECT_EQ(RoundTrip(wrapper, "\"9223372036854775807\""), "\"9223372036854775807\"");
  EXPECT_EQ(RoundTrip(wrapper, "-9223372036854775808"), "\"-9223372036854775808\"");
  for (const char* bad :
       {"9223372036854775808", "1.5", "\"\"", "\" 1\"", "\"1x\"", "true", "1e30"}) {
    EXPECT_TRUE(absl::StartsWith(RoundTrip(wrapper, bad), "Inv")) << bad;
  }
  const Descriptor& small = Type("google.protobuf.Int32Value");
  EXPECT_EQ(RoundTrip(small, "-2147483648"), "-2147483648");
  EXPECT_TRUE(absl::StartsWith(RoundTrip(small, "2147483648"), "Invalid value"));
  const Descriptor& unsigned32 = Type("google.protobuf.UInt32Value");
  EXPECT_EQ(RoundTrip(unsigned32, "4294967295"), "4294967295");
  EXPECT_TRUE(absl::StartsWith(RoundTrip(unsigned32, "-1"), "Invalid value"));
  EXPECT_TRUE(absl::StartsWith(RoundTrip(unsigned32, "4294967296"), "Invalid value"));
  const Descriptor& float32 = Type("google.protobuf.FloatValue");
  EXPECT_EQ(RoundTrip(float32, "0.1"), "0.1");
  EXPECT_EQ(RoundTrip(float32, "\"NaN\""), "\"NaN\"");
  EXPECT_EQ(RoundTrip(float32, "\"-Infinity\""), "\"-Infinity\"");
  EXPECT_TRUE(absl::StartsWith(RoundTrip(float32, "1e39"), "Invalid value"));
}

TEST_F(JsonToWireTest, BytesMasksAndTimes) {
  const Descriptor& bytes = Type("google.protobuf.BytesValue");
  EXPECT_EQ(RoundTrip(bytes, "\"+/8=\""), "\"+/8=\"");
  EXPECT_EQ(RoundTrip(bytes, "\"-_8\""), "\"+/8=\"");
  EXPECT_TRUE(absl::StartsWith(RoundTrip(bytes, "\"!!\""), "Invalid value"));
  const Descriptor& mask = Type("google.protobuf.FieldMask");
  EXPECT_EQ(RoundTrip(mask, "\"displayName,job_spec.network,labels\""),
            "\"displayName,jobSpec.network,labels\"");
  EXPECT_EQ(RoundTrip(mask, "\"\""), "\"\"");
  const Descriptor& time = Type("google.protobuf.Timestamp");
  EXPECT_EQ(RoundTrip(time, "\"0001-01-01T00:00:00Z\""), "\"0001-01-01T00:00:00Z\"");
  EXPECT_EQ(RoundTrip(time, "\"9999-12-31T23:59:59.999999999Z\""),
            "\"9999-12-31T23:59:59.999999999Z\"");
  EXPECT_EQ(RoundTrip(time, "\"1969-12-31T23:59:59.5Z\""), "\"1969-12-31T23:59:59.500Z\"");
  for (const char* bad : {"\"2026-01-02\"", "\"infinite-future\"", "\"2026-13-02T03:04:05Z\"", "5",
                          "\"10000-01-01T00:00:00Z\"", "\"0000-12-31T23:59:59Z\"", "{}"}) {
    EXPECT_TRUE(absl::StartsWith(RoundTrip(time, bad), "Invalid value")) << bad;
  }
  const Descriptor& duration = Type("google.protobuf.Duration");
  EXPECT_EQ(RoundTrip(duration, "\"-1.000000001s\""), "\"-1.000000001s\"");
  EXPECT_EQ(RoundTrip(duration, "\"-0.5s\""), "\"-0.500s\"");
  for (const char* bad : {"\"5\"", "\"s\"", "\"-s\"", "\".5s\"", "\"1.s\"", "\"--1s\"", "\"1m\"",
                          "\"315576000001s\"", "\"1.0000000001s\"", "\"99999999999999999999s\""}) {
    EXPECT_TRUE(absl::StartsWith(RoundTrip(duration, bad), "Invalid value")) << bad;
  }
}

TEST_F(JsonToWireTest, AnyKnowsEveryTypeOfTheSet) {
  const Descriptor& any = Type("google.protobuf.Any");
  const struct {
    const char* in;
    const char* out;
  } rows[] = {
      {R"({"@type":"type.googleapis.com/google.cloud.aiplatform.v1beta1.HyperparameterTuningJob",)"
       R"("display_name":"x"})",
       R"({"@type":"type.googleapis.com/google.cloud.aiplatform.v1beta1.HyperparameterTuningJob",)"
       R"("displayName":"x"})"},
      {R"({"value":"2s","@type":"type.googleapis.com/google.protobuf.Duration"})",
       R"({"@type":"type.googleapis.com/google.protobuf.Duration","value":"2s"})"},
      {R"({"@type":"type.googleapis.com/google.protobuf.Empty"})",
       R"({"@type":"type.googleapis.com/google.protobuf.Empty"})"},
      {R"({"details":1,"@type":"type.googleapis.com/google.rpc.Status"})",
       "Invalid value at 'details' (type.googleapis.com/google.protobuf.Any), 1"},
      {R"({"@type":"type.googleapis.com/no.Such"})",
       "Invalid value at '(root)' (type.googleapis.com/google.protobuf.Any), "
       "\"type.googleapis.com/no.Such\""},
      {R"({"x":1})",
       "Invalid value at '(root)' (type.googleapis.com/google.protobuf.Any), without \"@type\""},
  };
  for (const auto& row : rows) EXPECT_EQ(RoundTrip(any, row.in), row.out) << row.in;
  std::string nested = R"({"@type":"type.googleapis.com/google.protobuf.Empty"})";
  for (int i = 0; i < 20; ++i) {
    nested = absl::StrCat(R"({"value":)", nested,
                          R"(,"@type":"type.googleapis.com/google.protobuf.Any"})");
  }
  EXPECT_TRUE(absl::StrContains(RoundTrip(any, nested), "nested too deep"));
}

TEST_F(JsonToWireTest, ErrorsInGooglesWords) {
  const struct {
    const char* in;
    const char* error;
  } rows[] = {
      {R"({"nme":"x"})", "Invalid JSON payload received. Unknown name \"nme\": Cannot find field."},
      {R"({"jobSpec":{"workerPoolSpecs":[{"machine":1}]}})",
       "Invalid JSON payload received. Unknown name \"machine\" at "
       "'job_spec.worker_pool_specs[0]': Cannot find field."},
      {R"({"displayName":5})", "Invalid value at 'display_name' (TYPE_STRING), 5"},
      {R"({"displayName":{}})", "Invalid value at 'display_name' (TYPE_STRING), a JSON object"},
      {R"({"state":"JOB_STATE_NONE"})",
       "Invalid value at 'state' (type.googleapis.com/google.cloud.aiplatform.v1.JobState), "
       "\"JOB_STATE_NONE\""},
      {R"({"jobSpec":"x"})",
       "Invalid value at 'job_spec' "
       "(type.googleapis.com/google.cloud.aiplatform.v1.CustomJobSpec), "
       "\"x\""},
      {R"({"labels":{"a":1}})", "Invalid value at 'labels[\"a\"]' (TYPE_STRING), 1"},
      {R"({"labels":[]})",
       "Invalid value at 'labels' "
       "(type.googleapis.com/google.cloud.aiplatform.v1.CustomJob.LabelsEntry), a JSON array"},
      {R"({"labels":{"a":"1","a":"2"}})",
       "Invalid JSON payload received. Map key \"a\" at 'labels' is already set."},
      {R"({"displayName":"a","display_name":"b"})",
       "Invalid JSON payload received. Field \"display_name\" is already set."},
      {R"({"jobSpec":{"workerPoolSpecs":[{"containerSpec":{},"pythonPackageSpec":{}}]}})",
       "Invalid JSON payload received. Oneof field \"task\" at 'job_spec.worker_pool_specs[0]' is "
       "already set."},
      {R"({"jobSpec":{"workerPoolSpecs":[null]}})",
       "Invalid value at 'job_spec.worker_pool_specs[0]' "
       "(type.googleapis.com/google.cloud.aiplatform.v1.WorkerPoolSpec), null"},
      {R"({"a":1,"b":2,"displayName":3})",
       "Invalid JSON payload received. Unknown name \"a\": Cannot find field.\n"
       "Invalid JSON payload received. Unknown name \"b\": Cannot find field.\n"
       "Invalid value at 'display_name' (TYPE_STRING), 3"},
      {"[]",
       "Invalid value at '(root)' (type.googleapis.com/google.cloud.aiplatform.v1.CustomJob), a "
       "JSON array"},
  };
  for (const auto& row : rows) EXPECT_EQ(Error(row.in), row.error) << row.in;
}

TEST_F(JsonToWireTest, TextsThatAreNoJson) {
  for (const char* bad : {"{",
                          "}",
                          "{\"displayName\"",
                          "{\"displayName\":",
                          "{\"displayName\":\"x\"",
                          "{\"displayName\":\"x\",}",
                          "{displayName:\"x\"}",
                          "{'displayName':'x'}",
                          "{\"displayName\":\"x\"}{}",
                          "{\"displayName\":\"x\"} x",
                          "{\"displayName\":\"\\x\"}",
                          "{\"displayName\":\"\\ud800\"}",
                          "{\"displayName\":\"\\udc00\"}",
                          "{\"displayName\":\"\\u12\"}",
                          "{\"displayName\":\"a\nb\"}",
                          "{\"displayName\":tru}",
                          "{\"a\":[1 2]}",
                          "{\"a\":[1,]}",
                          "{\"a\" 1}",
                          "// x\n{}",
                          "displayName=x",
                          "nul"}) {
    EXPECT_TRUE(absl::StartsWith(Error(bad), "Invalid JSON payload received."))
        << bad << Error(bad);
  }
  EXPECT_EQ(Error("{\"displayName\":\"\xC3\x28\"}"),
            "Invalid JSON payload received. The text is not UTF-8.");
  EXPECT_EQ(Error("{\n\"displayName\": oops\n}"),
            "Invalid JSON payload received. Expected a value. at line 2, byte 17:\noops");
}

TEST_F(JsonToWireTest, LimitsHold) {
  const Descriptor& value = Type("google.protobuf.Value");
  auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(RoundTrip(value, nested(30)), nested(30));
  EXPECT_TRUE(absl::StrContains(RoundTrip(value, nested(101)), "too deep"));
  EXPECT_TRUE(absl::StrContains(RoundTrip(value, std::string(5'000'000, '[')), "too deep"));
  // An answer does not grow with what was wrong.
  std::string many = "{";
  for (int i = 0; i < 10000; ++i) absl::StrAppend(&many, "\"f", i, "\":1,");
  EXPECT_LT(Error(many + "\"z\":1}").size(), 3000);
  const std::string name(1'000'000, 'n');
  std::string long_names = absl::StrCat("{\"", name, "\":1,\"labels\":{\"", name, "\":[]}}");
  EXPECT_LT(Error(long_names).size(), 3000);
  EXPECT_LT(Error(absl::StrCat("{\"displayName\":", std::string(100000, '1'), "}")).size(), 3000);
}

TEST_F(JsonToWireTest, ViolationsAreDetails) {
  std::string wire;
  absl::Status status = JsonToWire(R"({"jobSpec":{"x":1,"network":2}})", CustomJob(), wire);
  auto payload = status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  ASSERT_TRUE(payload.has_value());
  google::rpc::BadRequest details;
  ASSERT_TRUE(details.ParseFromString(std::string(*payload)));
  ASSERT_EQ(details.field_violations_size(), 2);
  EXPECT_EQ(details.field_violations(0).field(), "job_spec");
  EXPECT_EQ(details.field_violations(1).field(), "job_spec.network");
}

// The bytes are those that generated code would write and reads.
TEST_F(JsonToWireTest, GeneratedCodeReadsTheBytes) {
  std::string wire;
  ASSERT_TRUE(JsonToWire(R"({
    "displayName": "d",
    "labels": {"k": "v"},
    "jobSpec": {
      "scheduling": {"timeout": "90s"},
      "workerPoolSpecs": [{
        "machineSpec": {"machineType": "n1-standard-4", "acceleratorType": 1},
        "replicaCount": 1,
        "containerSpec": {"imageUri": "i", "args": ["a", "b"], "env": [{"name": "N", "value": "V"}]}
      }]
    }})",
                         CustomJob(), wire)
                  .ok());
  google::cloud::aiplatform::v1::CustomJob job;
  ASSERT_TRUE(job.ParseFromString(wire));
  EXPECT_EQ(job.display_name(), "d");
  EXPECT_EQ(job.labels().at("k"), "v");
  EXPECT_EQ(job.job_spec().scheduling().timeout().seconds(), 90);
  const auto& pool = job.job_spec().worker_pool_specs(0);
  EXPECT_EQ(pool.machine_spec().accelerator_type(), 1);
  EXPECT_EQ(pool.container_spec().args(1), "b");
  EXPECT_EQ(pool.container_spec().env(0).value(), "V");
}

}  // namespace
}  // namespace trainyard::edge
