#include "edge/transcoder.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "edge/wire.h"
#include "edge/wire_to_json.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"

namespace trainyard::edge {
namespace {

class TranscoderTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    table_ = MethodTable::Create(EmbeddedDescriptorSet()).value().release();
    routes_ = new RouteTable(MakeRoutes(*table_).value());
  }
  static void TearDownTestSuite() {
    delete routes_;
    delete table_;
  }

  // The request as JSON, with the method's name before it; or the error's text.
  static std::string Request(const std::string& verb, const std::string& path,
                             const std::string& query, const std::string& body = "",
                             const std::string& content_type = "application/json") {
    RouteMatch match = routes_->Match(verb, path);
    if (match.binding == nullptr) return "no method";
    auto parsed = ParseRestQuery(query);
    if (!parsed.ok()) return std::string(parsed.status().message());
    auto wire = TranscodeRequest(match, *parsed, content_type, body);
    if (!wire.ok()) {
      EXPECT_EQ(wire.status().code(), absl::StatusCode::kInvalidArgument);
      return std::string(wire.status().message());
    }
    JsonOptions options;
    options.pretty = false;
    const auto& method = *match.binding->method->descriptor;
    return absl::StrCat(method.name(), " ",
                        WireToJson(*wire, *method.input_type(), options).value());
  }

  static MethodTable* table_;
  static RouteTable* routes_;
};
MethodTable* TranscoderTest::table_ = nullptr;
RouteTable* TranscoderTest::routes_ = nullptr;

constexpr char kJobs[] = "/v1/projects/p/locations/us-central1/customJobs";
constexpr char kPython[] = "%24alt=json%3Benum-encoding%3Dint";

// Requests as the official clients send them.
TEST_F(TranscoderTest, GoldenRequests) {
  const std::string jobs = kJobs;
  const struct {
    const char* verb;
    std::string path;
    std::string query;
    const char* body;
    const char* request;
  } rows[] = {
      // Python over REST: enums as numbers, the body is the field alone.
      {"POST", jobs, kPython,
       R"({"displayName":"d","jobSpec":{"workerPoolSpecs":[{"machineSpec":{"acceleratorType":8},)"
       R"("replicaCount":"1"}]}})",
       R"(CreateCustomJob {"parent":"projects/p/locations/us-central1","customJob":)"
       R"({"displayName":"d","jobSpec":{"workerPoolSpecs":[{"machineSpec":{"acceleratorType":)"
       R"("NVIDIA_TESLA_A100"},"replicaCount":"1"}]}}})"},
      {"GET", jobs,
       absl::StrCat("filter=state%3D%22JOB_STATE_RUNNING%22+AND+labels.a%3Ab",
                    "&pageSize=10&pageToken=x&readMask=displayName,state&", kPython),
       "",
       R"(ListCustomJobs {"parent":"projects/p/locations/us-central1",)"
       R"("filter":"state=\"JOB_STATE_RUNNING\" AND labels.a:b","pageSize":10,"pageToken":"x",)"
       R"("readMask":"displayName,state"})"},
      {"GET", jobs + "/12", kPython, "",
       R"(GetCustomJob {"name":"projects/p/locations/us-central1/customJobs/12"})"},
      {"POST", jobs + "/12:cancel", kPython, "{}",
       R"(CancelCustomJob {"name":"projects/p/locations/us-central1/customJobs/12"})"},
      {"DELETE", jobs + "/12", kPython, "",
       R"(DeleteCustomJob {"name":"projects/p/locations/us-central1/customJobs/12"})"},
      // gcloud.
      {"GET", jobs, "alt=json&pageSize=100", "",
       R"(ListCustomJobs {"parent":"projects/p/locations/us-central1","pageSize":100})"},
      {"POST", jobs + "/12:cancel", "alt=json", "",
       R"(CancelCustomJob {"name":"projects/p/locations/us-central1/customJobs/12"})"},
      {"POST", "/v2/entries:list", "alt=json",
       R"({"filter":"resource.labels.job_id=\"1\"","orderBy":"timestamp desc","pageSize":1000,)"
       R"("resourceNames":["projects/p"]})",
       R"(ListLogEntries {"filter":"resource.labels.job_id=\"1\"","orderBy":"timestamp desc",)"
       R"("pageSize":1000,"resourceNames":["projects/p"]})"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Request(row.verb, row.path, row.query, row.body), row.request) << row.path;
  }
}

TEST_F(TranscoderTest, GoldenRequestsOfOtherServices) {
  const struct {
    const char* verb;
    const char* path;
    const char* query;
    const char* body;
    const char* request;
  } rows[] = {
      // The long-running operations of Python over REST.
      {"GET", "/ui/projects/p/locations/l/customJobs/1/operations/9", kPython, "",
       R"(GetOperation {"name":"projects/p/locations/l/customJobs/1/operations/9"})"},
      {"POST", "/ui/projects/p/locations/l/operations/9:cancel", "", "{}",
       R"(CancelOperation {"name":"projects/p/locations/l/operations/9"})"},
      {"POST", "/v1/projects/p/locations/l/operations/9:wait", "timeout=10s", "",
       R"(WaitOperation {"name":"projects/p/locations/l/operations/9","timeout":"10s"})"},
      {"GET", "/ui/projects/p/locations/l/operations", "filter=done%3Dtrue&pageSize=5", "",
       R"(ListOperations {"filter":"done=true","pageSize":5,"name":"projects/p/locations/l"})"},
      // Updates: a name within the body's field, and a mask in the query.
      {"PATCH", "/v1/projects/p/locations/l/models/7", "updateMask=displayName,labels",
       R"({"name":"projects/other/locations/l/models/8","displayName":"d","labels":{"a":"b"}})",
       R"(UpdateModel {"model":{"name":"projects/p/locations/l/models/7","displayName":"d",)"
       R"("labels":{"a":"b"}},"updateMask":"displayName,labels"})"},
      {"GET", "/v1/projects/p/locations/l/models/1%402", "", "",
       R"(GetModel {"name":"projects/p/locations/l/models/1@2"})"},
      {"POST", "/v1/projects/p/locations/l/studies/1/trials:suggest", "",
       R"({"suggestionCount":2,"clientId":"c"})",
       R"(SuggestTrials {"parent":"projects/p/locations/l/studies/1","suggestionCount":2,)"
       R"("clientId":"c"})"},
      {"POST", "/v1/projects/p/locations/l/metadataStores/default/contexts", "contextId=run-1",
       R"({"schemaTitle":"system.ExperimentRun","metadata":{"_params":{},"_state":"RUNNING"}})",
       R"(CreateContext {"parent":"projects/p/locations/l/metadataStores/default","context":)"
       R"({"schemaTitle":"system.ExperimentRun","metadata":{"_params":{},"_state":"RUNNING"}},)"
       R"("contextId":"run-1"})"},
      {"GET", "/v3/projects/p", "", "", R"(GetProject {"name":"projects/p"})"},
      {"GET", "/v1/projects/p/locations/us-central1", "", "",
       R"(GetLocation {"name":"projects/p/locations/us-central1"})"},
      {"GET", "/trainyard/v1/projects/p/locations/l/customJobs/1:readLog",
       "since=2026-01-02T03:04:05Z&wait=5s&linesMax=10", "",
       R"(ReadJobLog {"name":"projects/p/locations/l/customJobs/1","since":"2026-01-02T03:04:05Z",)"
       R"("linesMax":10,"wait":"5s"})"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Request(row.verb, row.path, row.query, row.body), row.request) << row.path;
  }
}

TEST_F(TranscoderTest, QueryFields) {
  const std::string base = R"(ListCustomJobs {"parent":"projects/p/locations/us-central1")";
  const struct {
    const char* query;
    std::string request;
  } rows[] = {
      {"page_size=5", base + R"(,"pageSize":5})"},
      {"readMask.paths=display_name&read_mask.paths=state",
       base + R"(,"readMask":"displayName,state"})"},
      {"filter=", base + R"(,"filter":""})"},
      {"filter=a%2Bb+c%20d", base + R"(,"filter":"a+b c d"})"},
      {"key=k&quotaUser=q&access_token=t&$.xgafv=1&uploadType=media&prettyPrint=false", base + "}"},
      {"&&", base + "}"},
      {"pageSize=x", "Invalid value at 'pageSize' (TYPE_INT32), \"x\""},
      {"pageSize=1&page_size=2",
       "Invalid JSON payload received. Unknown name \"page_size\": Cannot bind query parameter. It "
       "is given more than once, and the field is not repeated."},
      {"nme=1",
       "Invalid JSON payload received. Unknown name \"nme\": Cannot bind query parameter. Field "
       "'nme' could not be found in request message."},
      {"pageSize.x=1",
       "Invalid JSON payload received. Unknown name \"pageSize.x\": Cannot bind query parameter. "
       "Field 'x' could not be found in request message."},
      {"alt=proto",
       "The system parameter alt=proto is not served; use alt=json, or gRPC for binary "
       "messages."},
      {"callback=f", "The system parameter callback=f is not served; JSONP is not safe, use CORS."},
      {"filter=%zz", "The URL has a '%' that two hexadecimal digits do not follow."},
      {"filter=%f", "The URL has a '%' that two hexadecimal digits do not follow."},
      {"filter=%ff", "The query is not UTF-8."},
  };
  for (const auto& row : rows)
    EXPECT_EQ(Request("GET", kJobs, row.query), row.request) << row.query;
  EXPECT_EQ(Request("GET", kJobs, "customJob=1").substr(0, 15), "Invalid JSON pa");
  EXPECT_EQ(
      Request("POST", kJobs, "customJob=1", "{}"),
      "Invalid JSON payload received. Unknown name \"customJob\": Cannot bind query parameter. "
      "'custom_job' is a message type. Parameters can only be bound to primitive types.");
  std::string many;
  for (int i = 0; i < 20000; ++i) many += "a=b&";
  EXPECT_EQ(Request("GET", kJobs, many), "The query has more than 1000 parameters.");
  EXPECT_EQ(Request("GET", kJobs, "a=1&b=2"),
            "Invalid JSON payload received. Unknown name \"a\": Cannot bind query parameter. Field "
            "'a' could not be found in request message.\n"
            "Invalid JSON payload received. Unknown name \"b\": Cannot bind query parameter. Field "
            "'b' could not be found in request message.");
}

TEST_F(TranscoderTest, RepeatedAndNestedQueryFields) {
  EXPECT_EQ(Request("GET", "/v1/projects/p/locations/l/studies/1/trials/2", "name=other"),
            R"(GetTrial {"name":"projects/p/locations/l/studies/1/trials/2"})");
  EXPECT_EQ(Request("GET", "/v1/projects/p/locations/l/tensorboards/1:batchRead",
                    "timeSeries=a&time_series=b"),
            R"(BatchReadTensorboardTimeSeriesData {"tensorboard":"projects/p/locations/l/)"
            R"(tensorboards/1","timeSeries":["a","b"]})");
  // A nested message that the body also sets is merged with it.
  EXPECT_EQ(
      Request("POST", kJobs, "custom_job.jobSpec.network=n&customJob.state=3",
              R"({"jobSpec":{"serviceAccount":"s"}})"),
      R"(CreateCustomJob {"parent":"projects/p/locations/us-central1","customJob":{"jobSpec":)"
      R"({"serviceAccount":"s","network":"n"},"state":"JOB_STATE_RUNNING"}})");
}

TEST_F(TranscoderTest, BodiesThatAreWrong) {
  const struct {
    const char* verb;
    std::string path;
    const char* body;
    const char* error;
  } rows[] = {
      {"POST", kJobs, "{", "Invalid JSON payload received."},
      {"POST", kJobs, "[]", "Invalid value at 'custom_job'"},
      {"POST", kJobs, "\"x\"", "Invalid value at 'custom_job'"},
      {"POST", kJobs, "{\"displayName\":\"\xFF\"}", "Invalid JSON payload received. The text is"},
      {"POST", kJobs, "{\"customJob\":{}}",
       "Invalid JSON payload received. Unknown name \"customJob\" at 'custom_job'"},
      {"GET", absl::StrCat(kJobs, "/1"), "{\"name\":1}", "This method takes no request body"},
      {"DELETE", absl::StrCat(kJobs, "/1"), "x", "This method takes no request body"},
  };
  for (const auto& row : rows) {
    EXPECT_TRUE(absl::StartsWith(Request(row.verb, row.path, "", row.body), row.error))
        << row.body << ": " << Request(row.verb, row.path, "", row.body);
  }
  EXPECT_EQ(Request("POST", kJobs, "", ""),
            R"(CreateCustomJob {"parent":"projects/p/locations/us-central1"})");
  EXPECT_EQ(Request("POST", kJobs, "", "null"),
            R"(CreateCustomJob {"parent":"projects/p/locations/us-central1"})");
}

TEST_F(TranscoderTest, PathsThatAreEncoded) {
  const std::string prefix = "/v1/projects/p/locations/l/customJobs/";
  const std::string name = R"(GetCustomJob {"name":"projects/p/locations/l/customJobs/)";
  EXPECT_EQ(Request("GET", prefix + "a%20b%3Ac", ""), name + R"(a b:c"})");
  // A slash of a name of several segments stays encoded; it cannot make a segment of its own.
  EXPECT_EQ(Request("GET", prefix + "a%2Fb%2fc", ""), name + R"(a%2Fb%2fc"})");
  EXPECT_EQ(Request("GET", prefix + "a+b", ""), name + R"(a+b"})");
  EXPECT_EQ(Request("GET", prefix + "%zz", ""),
            "The URL has a '%' that two hexadecimal digits do not follow.");
  EXPECT_TRUE(absl::StartsWith(Request("GET", prefix + "%FF", ""), "Invalid value at 'name'"));
}

TEST_F(TranscoderTest, RawBodies) {
  RouteMatch match = routes_->Match("POST", "/v1/projects/p/locations/l/endpoints/1:rawPredict");
  ASSERT_NE(match.binding, nullptr);
  auto wire = TranscodeRequest(match, RestQuery(), "text/csv", "1,2\xFF");
  ASSERT_TRUE(wire.ok()) << wire.status();
  std::string body;  // a google.api.HttpBody
  AppendBytesField(1, "text/csv", body);
  AppendBytesField(2, "1,2\xFF", body);
  WireReader reader(*wire);
  WireField field;
  std::string sent;
  while (reader.Next(field)) {
    if (field.number == 2) sent = std::string(field.bytes);
  }
  EXPECT_EQ(sent, body);
  auto reply = TranscodeResponse(*match.binding, RestQuery(), body);
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->content_type, "text/csv");
  EXPECT_EQ(reply->bytes, "1,2\xFF");
}

TEST_F(TranscoderTest, Responses) {
  google::cloud::aiplatform::v1::ListCustomJobsResponse response;
  auto* job = response.add_custom_jobs();
  job->set_name("n");
  job->set_state(google::cloud::aiplatform::v1::JOB_STATE_RUNNING);
  const RouteMatch match = routes_->Match("GET", kJobs);
  auto print = [&](const char* query) {
    auto parsed = ParseRestQuery(query);
    auto body = TranscodeResponse(*match.binding, parsed.value(), response.SerializeAsString());
    return body.ok() ? body->bytes : std::string(body.status().message());
  };
  EXPECT_EQ(print("prettyPrint=false"),
            R"({"customJobs":[{"name":"n","state":"JOB_STATE_RUNNING"}]})");
  EXPECT_EQ(print("$prettyPrint=false&$alt=json;enum-encoding=int"),
            R"({"customJobs":[{"name":"n","state":3}]})");
  EXPECT_EQ(print("prettyPrint=false&fields=customJobs/state,nextPageToken"),
            R"({"customJobs":[{"state":"JOB_STATE_RUNNING"}]})");
  EXPECT_EQ(print("fields=jobs"),
            "Invalid field selection: ListCustomJobsResponse has no field 'jobs'.");
  EXPECT_EQ(print(""), R"({
  "customJobs": [
    {
      "name": "n",
      "state": "JOB_STATE_RUNNING"
    }
  ]
}
)");
}

}  // namespace
}  // namespace trainyard::edge
