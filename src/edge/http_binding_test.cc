#include "edge/http_binding.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "edge/transcoder.h"
#include "edge/wire.h"

namespace trainyard::edge {
namespace {

class HttpBindingTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    table_ = MethodTable::Create(EmbeddedDescriptorSet()).value().release();
    routes_ = new RouteTable(MakeRoutes(*table_).value());
  }
  static void TearDownTestSuite() {
    delete routes_;
    delete table_;
  }
  static std::string Find(absl::string_view verb, absl::string_view path) {
    RouteMatch match = routes_->Match(verb, path);
    return match.binding == nullptr ? "" : match.binding->method->full_name;
  }

  static MethodTable* table_;
  static RouteTable* routes_;
};
MethodTable* HttpBindingTest::table_ = nullptr;
RouteTable* HttpBindingTest::routes_ = nullptr;

// A path that the template was made for, each wildcard another word.
std::string SamplePath(const PathTemplate& path) {
  std::string out;
  int word = 0;
  for (const std::string& segment : path.segments) {
    if (segment == "*") {
      absl::StrAppend(&out, "/w", word++);
    } else if (segment == "**") {
      absl::StrAppend(&out, "/w", word, "/x", word, "/y", word);
      ++word;
    } else {
      absl::StrAppend(&out, "/", segment);
    }
  }
  return path.verb.empty() ? out : absl::StrCat(out, ":", path.verb);
}

// What the variable's segments of that path are.
std::string SampleValue(const HttpBinding& binding, const HttpBinding::Variable& variable) {
  RouteMatch match;
  std::string path = SamplePath(binding.path);
  std::vector<std::string> segments;
  for (size_t start = 1; start <= path.size();) {
    size_t end = std::min(path.find('/', start), path.size());
    segments.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  if (!binding.path.verb.empty()) {
    segments.back().resize(segments.back().size() - binding.path.verb.size() - 1);
  }
  const bool open = binding.path.segments[variable.end - 1] == "**";
  std::string value;
  for (size_t i = variable.begin; i < (open ? segments.size() : variable.end); ++i) {
    absl::StrAppend(&value, value.empty() ? "" : "/", segments[i]);
  }
  return value;
}

// The string that lies at a field path of serialized bytes.
std::string StringAt(std::string bytes,
                     const std::vector<const google::protobuf::FieldDescriptor*>& fields) {
  for (const auto* field : fields) {
    std::string found;
    WireReader reader(bytes);
    WireField wire;
    while (reader.Next(wire)) {
      if (wire.number == field->number()) found = std::string(wire.bytes);
    }
    EXPECT_TRUE(reader.ok());
    bytes = found;
  }
  return bytes;
}

TEST_F(HttpBindingTest, EveryBindingMatchesTheUrlsOfItsOwnTemplate) {
  std::set<std::string> shadowed;
  int matched = 0;
  for (const auto& binding : routes_->bindings()) {
    const std::string path = SamplePath(binding->path);
    RouteMatch match = routes_->Match(binding->http_verb, path);
    ASSERT_NE(match.binding, nullptr) << binding->method->full_name << " " << path;
    if (match.binding != binding.get()) {
      shadowed.insert(absl::StrCat(binding->method->full_name, " by ",
                                   match.binding->method->full_name, " at ", path));
      continue;
    }
    ++matched;
    auto request = TranscodeRequest(match, RestQuery(), "", "");
    ASSERT_TRUE(request.ok()) << request.status() << " " << path;
    for (const HttpBinding::Variable& variable : binding->variables) {
      EXPECT_EQ(StringAt(*request, variable.fields), SampleValue(*binding, variable)) << path;
    }
  }
  EXPECT_GT(matched, 800);
  EXPECT_EQ(shadowed, std::set<std::string>());
}

TEST_F(HttpBindingTest, FindsTheMethodsOfRealUrls) {
  const std::string v1 = "google.cloud.aiplatform.v1.";
  const std::string beta = "google.cloud.aiplatform.v1beta1.";
  const std::string operations = "google.longrunning.Operations/";
  const struct {
    const char* verb;
    const char* path;
    std::string method;
  } rows[] = {
      {"POST", "/v1/projects/p/locations/l/customJobs", v1 + "JobService/CreateCustomJob"},
      {"GET", "/v1/projects/p/locations/l/customJobs", v1 + "JobService/ListCustomJobs"},
      {"GET", "/v1/projects/p/locations/l/customJobs/1", v1 + "JobService/GetCustomJob"},
      {"DELETE", "/v1/projects/p/locations/l/customJobs/1", v1 + "JobService/DeleteCustomJob"},
      {"POST", "/v1/projects/p/locations/l/customJobs/1:cancel", v1 + "JobService/CancelCustomJob"},
      {"GET", "/v1beta1/projects/p/locations/l/customJobs/1", beta + "JobService/GetCustomJob"},
      {"GET", "/v1/projects/p/locations/l/models/1@2", v1 + "ModelService/GetModel"},
      {"GET", "/v1/projects/p/locations/l/models/1:listVersions",
       v1 + "ModelService/ListModelVersions"},
      {"GET", "/v1/projects/p/locations/l/operations/9", operations + "GetOperation"},
      {"GET", "/ui/projects/p/locations/l/operations/9", operations + "GetOperation"},
      {"GET", "/ui/projects/p/locations/l/customJobs/1/operations/9", operations + "GetOperation"},
      {"GET", "/v1beta1/projects/p/locations/l/customJobs/1/operations/9",
       operations + "GetOperation"},
      {"GET",
       "/ui/projects/p/locations/l/tensorboards/1/experiments/2/runs/3/timeSeries/4/operations/9",
       operations + "GetOperation"},
      {"GET", "/ui/projects/p/locations/l/customJobs/1/operations", operations + "ListOperations"},
      {"GET", "/v1/projects/p/locations/l/operations", operations + "ListOperations"},
      {"POST", "/ui/projects/p/locations/l/operations/9:cancel", operations + "CancelOperation"},
      {"POST", "/v1/projects/p/locations/l/operations/9:wait", operations + "WaitOperation"},
      {"DELETE", "/ui/projects/p/locations/l/operations/9", operations + "DeleteOperation"},
      {"GET", "/v1/projects/p/locations/l", "google.cloud.location.Locations/GetLocation"},
      {"GET", "/v1beta1/projects/p/locations", "google.cloud.location.Locations/ListLocations"},
      {"GET", "/v3/projects/p", "google.cloud.resourcemanager.v3.Projects/GetProject"},
      {"POST", "/v2/entries:list", "google.logging.v2.LoggingServiceV2/ListLogEntries"},
      {"GET", "/trainyard/v1/projects/p/locations/l/customJobs/1:explain",
       "trainyard.admin.v1.AdminService/ExplainJob"},
      {"POST", "/trainyard/v1/keys:revoke", "trainyard.admin.v1.AdminService/RevokeKey"},
      // A colon may be part of a name where no rule has that verb.
      {"GET", "/v1/projects/p/locations/l/customJobs/1:", v1 + "JobService/GetCustomJob"},
      {"GET", "/v1/projects/example.com:p/locations/l/customJobs/1:2",
       v1 + "JobService/GetCustomJob"},
  };
  for (const auto& row : rows) EXPECT_EQ(Find(row.verb, row.path), row.method) << row.path;
}

TEST_F(HttpBindingTest, NoMethodForOtherPaths) {
  for (const char* path :
       {"", "/", "/v1/projects/p/locations/l/customJobs/1:explain/x",
        "v1/projects/p/locations/l/customJobs/1", "/v1", "/v1/", "/v9/projects/p",
        "/v1/projects/p/locations/l/customJobs/", "/v1/projects//locations/l/customJobs/1",
        "/v1/projects/p/locations/l/customJobs/1/", "/v1/projects/p/locations/l/nothings/1/2",
        "//v1/projects/p/locations/l/customJobs/1", "/../v1/projects/p/locations/l/customJobs/1"}) {
    EXPECT_EQ(Find("GET", path), "") << path;
  }
  EXPECT_EQ(Find("GET", "/" + std::string(60000, '/')), "");
  std::string deep;
  for (int i = 0; i < 10000; ++i) deep += "/a";
  EXPECT_EQ(Find("GET", deep), "");
}

TEST_F(HttpBindingTest, AWrongVerbNamesTheRightOnes) {
  RouteMatch match = routes_->Match("PUT", "/v1/projects/p/locations/l/customJobs/1");
  EXPECT_EQ(match.binding, nullptr);
  EXPECT_EQ(std::set<std::string>(match.allowed.begin(), match.allowed.end()),
            (std::set<std::string>{"GET", "DELETE"}));
  match = routes_->Match("GET", "/v1/projects/p/locations/l/customJobs/1:cancel");
  EXPECT_EQ(match.allowed, std::vector<std::string>{"POST"});
}

TEST(PathTemplateTest, TakesApart) {
  auto path = ParsePathTemplate("/v1/{a.b=projects/*/x/**}:go");
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_EQ(path->segments, (std::vector<std::string>{"v1", "projects", "*", "x", "**"}));
  EXPECT_EQ(path->verb, "go");
  ASSERT_EQ(path->variables.size(), 1);
  EXPECT_EQ(path->variables[0].field_path, "a.b");
  EXPECT_EQ(path->variables[0].begin, 1);
  EXPECT_EQ(path->variables[0].end, 5);
  EXPECT_TRUE(path->variables[0].multiple);
  path = ParsePathTemplate("/v1/{name}/x");
  ASSERT_TRUE(path.ok());
  EXPECT_FALSE(path->variables[0].multiple);
  for (const char* bad : {"", "v1", "/v1/{name", "/v1//x", "/v1/{a=**}/x", "/v1/{a}{b}", "/v1/"}) {
    EXPECT_FALSE(ParsePathTemplate(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace trainyard::edge
