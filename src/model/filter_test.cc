#include "model/filter.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trainyard::model {
namespace {

using ::testing::HasSubstr;

// The tree as text: (and a=1 (or b:2 (not c!=3))).
std::string Describe(const FilterNode& node) {
  auto children = [&] {
    return absl::StrJoin(node.children, " ", [](std::string* out, const FilterNode& child) {
      out->append(Describe(child));
    });
  };
  switch (node.kind) {
    case FilterNode::Kind::kAnd:
      return absl::StrCat("(and ", children(), ")");
    case FilterNode::Kind::kOr:
      return absl::StrCat("(or ", children(), ")");
    case FilterNode::Kind::kNot:
      return absl::StrCat("(not ", children(), ")");
    case FilterNode::Kind::kCompare:
      return absl::StrCat(node.path, node.op, node.value);
    case FilterNode::Kind::kText:
      return absl::StrCat("~", node.value);
  }
  return "?";
}

TEST(ParseFilter, BuildsTrees) {
  struct Case {
    const char* text;
    const char* tree;
  };
  const Case cases[] = {
      {R"(display_name="x")", "display_name=x"},
      {R"(displayName = "x y")", "display_name=x y"},
      {R"(state='JOB_STATE_FAILED')", "state=JOB_STATE_FAILED"},
      {"a=1 AND b=2 AND c=3", "(and a=1 b=2 c=3)"},
      {"a=1 b=2\n\tc=3", "(and a=1 b=2 c=3)"},
      {"a=1 AND b=2 OR c=3", "(and a=1 (or b=2 c=3))"},
      {"a=1 OR b=2 c=3 OR d=4", "(and (or a=1 b=2) (or c=3 d=4))"},
      {"(a=1 AND b=2) OR c=3", "(or (and a=1 b=2) c=3)"},
      {"(((a=1)))", "a=1"},
      {"NOT a=1", "(not a=1)"},
      {"NOT NOT a=1", "(not (not a=1))"},
      {"NOT(a=1 OR b=2)", "(not (or a=1 b=2))"},
      {"-a=1 -(b=2)", "(and (not a=1) (not b=2))"},
      {"a!=1 AND b=!2", "(and a!=1 b!=2)"},
      {"a<1 b<=2 c>3 d>=4 e:5", "(and a<1 b<=2 c>3 d>=4 e:5)"},
      {"a > -5", "a>-5"},
      {"labels.team:*", "labels.team:*"},
      {"labels.keyA=valueA", "labels.keyA=valueA"},
      {"labels:team", "labels.team:*"},
      {"labels:*", "labels:*"},
      {"labels.mylabels:x", "labels.mylabels:x"},
      {R"(resource.labels."k.with/odd chars"="v")", "resource.labels.k.with/odd chars=v"},
      {R"(labels."compute.googleapis.com/resource_name"=x)",
       "labels.compute.googleapis.com/resource_name=x"},
      {"labels.a/b-c=x", "labels.a/b-c=x"},
      {"jsonPayload.fooBar=1", "json_payload.fooBar=1"},
      {"metadata.someKey.number_value>0.5", "metadata.someKey.number_value>0.5"},
      {R"(insertId>"x")", "insert_id>x"},
      {"timestamp>=2026-01-01T00:00:00Z", "timestamp>=2026-01-01T00:00:00Z"},
      {R"(resource.type="ml_job" AND resource.labels.job_id="12" timestamp<="2026-01-01T00:00:00Z")",
       "(and resource.type=ml_job resource.labels.job_id=12 timestamp<=2026-01-01T00:00:00Z)"},
      {R"(((timestamp="t" AND insertId>"x") OR timestamp>"t"))",
       "(or (and timestamp=t insert_id>x) timestamp>t)"},
      {"state=(A OR B)", "(or state=A state=B)"},
      {"state!=(A AND NOT B)", "(and state!=A (not state!=B))"},
      {"x=(-1 OR (2 3))", "(or x=-1 (and x=2 x=3))"},
      {"error \"two words\" foo.bar", "(and ~error ~two words ~foo.bar)"},
      {"ANDROID NOTE ORDER", "(and ~ANDROID ~NOTE ~ORDER)"},
      {"a=1 -- the rest\nAND b=2 --", "(and a=1 b=2)"},
      {R"(a="q\"\\\n\t\/\u00e9\ud83d\ude00")", "a=q\"\\\n\t/\xc3\xa9\xf0\x9f\x98\x80"},
      {R"(a='it"s')", "a=it\"s"},
      {"a=\xc3\xa9", "a=\xc3\xa9"},
  };
  for (const Case& c : cases) {
    absl::StatusOr<Filter> filter = ParseFilter(c.text);
    ASSERT_TRUE(filter.ok()) << c.text << ": " << filter.status();
    ASSERT_TRUE(filter->root.has_value()) << c.text;
    EXPECT_EQ(Describe(*filter->root), c.tree) << c.text;
  }
}

TEST(ParseFilter, EmptyMatchesEverything) {
  for (const char* text : {"", "  \n", "-- only a comment"}) {
    absl::StatusOr<Filter> filter = ParseFilter(text);
    ASSERT_TRUE(filter.ok()) << filter.status();
    EXPECT_FALSE(filter->root.has_value());
    EXPECT_TRUE(Matches(*filter, [](const std::string&) { return std::nullopt; }));
  }
}

TEST(ParseFilter, SaysWhatIsWrongAndWhere) {
  struct Case {
    const char* text;
    const char* message;
  };
  const Case cases[] = {
      {"a=", "column 3: expected a value after '='"},
      {"a=1 AND", "column 8: expected a field"},
      {"AND a=1", "column 1: expected a field, a word or '(' instead of AND"},
      {"a=1 OR OR b=2", "column 8: expected a field, a word or '(' instead of OR"},
      {"a= AND b=1", "column 4: expected a value"},
      {"(a=1", "column 5: expected ')'"},
      {"a=1)", "column 4: expected AND, OR or the end"},
      {"()", "column 2: expected a field"},
      {"a==1", "column 3: expected a value"},
      {"a=1=2", "column 4: expected AND, OR or the end"},
      {"a=\"x", "column 5: expected a closing \""},
      {"a='x", "expected a closing '"},
      {R"(a="\q")", "column 5: expected one of n t"},
      {R"(a="\u12")", "column 6: expected four hexadecimal digits"},
      {R"(a="\ud800x")", "surrogate"},
      {"a.=1", "column 3: expected a field name after '.'"},
      {"=1", "column 1: expected a field"},
      {"\xc3\xa9=", "column 3: expected a value"},
      {"in_context(\"x\")", "the function in_context() is not supported"},
      {"a=now()", "functions are not supported"},
      {R"(parent_contexts:"a","b")", "a list of values is not supported"},
      {"a=~\"x\"", "regular expressions are not supported"},
      {"a!~\"x\"", "regular expressions are not supported"},
      {"NOT", "expected a field"},
      {"a=(b OR )", "expected a value"},
  };
  for (const Case& c : cases) {
    absl::Status status = ParseFilter(c.text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.message)) << c.text;
  }
}

TEST(ParseFilter, HasLimits) {
  EXPECT_TRUE(ParseFilter(std::string(50, '(') + "a=1" + std::string(50, ')')).ok());
  EXPECT_FALSE(ParseFilter(std::string(51, '(') + "a=1" + std::string(51, ')')).ok());
  EXPECT_FALSE(ParseFilter(std::string(9000, '(')).ok());
  std::string nots;
  for (int i = 0; i < 4000; ++i) nots += "NOT ";
  EXPECT_FALSE(ParseFilter(nots + "a=1").ok());
  EXPECT_TRUE(ParseFilter("a=" + std::string(19'998, 'x')).ok());
  EXPECT_FALSE(ParseFilter("a=" + std::string(19'999, 'x')).ok());
}

absl::Time Time(const char* text) {
  absl::Time time;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, nullptr));
  return time;
}

bool MatchesSample(const std::string& text) {
  const std::map<std::string, FilterValue> fields = {
      {"display_name", "my_job_17"},
      {"state", "JOB_STATE_FAILED"},
      {"create_time", Time("2026-03-01T12:00:00.5Z")},
      {"labels.team", "Vision"},
      {"labels.empty", ""},
      {"labels.a.b/c", "x"},
      {"count", 12.5},
      {"is_default", true},
      {"severity", "ERROR"},
  };
  absl::StatusOr<Filter> filter = ParseFilter(text);
  EXPECT_TRUE(filter.ok()) << text << ": " << filter.status();
  return Matches(
      *filter,
      [&](const std::string& path) -> std::optional<FilterValue> {
        auto field = fields.find(path);
        if (field == fields.end()) return std::nullopt;
        return field->second;
      },
      [] { return std::string("Some text of an Entry"); });
}

TEST(Matches, Evaluates) {
  struct Case {
    const char* text;
    bool expected;
  };
  const Case cases[] = {
      {R"(display_name="my_job_17")", true},
      {R"(display_name="MY_JOB_17")", false},
      {R"(display_name="my_job_*")", false},
      {R"(display_name!="other")", true},
      {R"(display_name:"my_job_*")", true},
      {R"(display_name:my_*_17)", true},
      {R"(display_name:*job*)", true},
      {R"(display_name:*_1)", false},
      {R"(display_name:my_job_17*17)", false},
      {R"(display_name:JOB)", true},
      {R"(display_name:"x")", false},
      {R"(display_name:**)", true},
      {"state=JOB_STATE_FAILED", true},
      {"state!=JOB_STATE_FAILED", false},
      {"state=(JOB_STATE_CANCELLED OR JOB_STATE_FAILED)", true},
      {R"(create_time>"2026-03-01T12:00:00Z")", true},
      {R"(create_time>"2026-03-01T12:00:00.5Z")", false},
      {R"(create_time>="2026-03-01T12:00:00.5Z")", true},
      {R"(create_time="2026-03-01T13:00:00.500+01:00")", true},
      {R"(create_time<2026-03-02)", true},
      {R"(create_time!=2026-03-01)", true},
      {R"(create_time<"never")", false},
      {"create_time:*", true},
      {"labels.team=Vision", true},
      {"labels.team:*", true},
      {"labels:team", true},
      {"labels.none:*", false},
      {"labels.empty:*", true},
      {"labels.empty=\"\"", true},
      {"labels.none!=x", false},
      {"NOT labels.none=x", true},
      {R"(labels."a.b/c"=x)", true},
      {"count>12", true},
      {"count=12.50", true},
      {"count<=-3", false},
      {"count=many", false},
      {"is_default=true", true},
      {"is_default=FALSE", false},
      {"is_default!=false", true},
      {"is_default=1", false},
      {"severity>=WARNING", true},
      {"severity<error", false},
      {"severity=ERROR", true},
      {"severity>CRITICAL", false},
      {"text entry", true},
      {"\"text of\"", true},
      {"text absent", false},
      {"-absent", true},
      {"state=A OR state=JOB_STATE_FAILED AND count>100", false},
      {"(state=A OR state=JOB_STATE_FAILED) AND NOT (count>100)", true},
  };
  for (const Case& c : cases) EXPECT_EQ(MatchesSample(c.text), c.expected) << c.text;
}

TEST(Matches, BareWordsNeedAText) {
  EXPECT_FALSE(Matches(*ParseFilter("word"), [](const std::string&) { return std::nullopt; }));
}

TEST(CheckFilterFields, NamesWhatIsKnown) {
  const std::vector<std::string> known = {"display_name", "create_time", "labels.*"};
  struct Case {
    const char* text;
    const char* message;  // empty: OK
  };
  const Case cases[] = {
      {"", ""},
      {"displayName=x AND labels.any:* OR labels:x", ""},
      {"labels:*", ""},
      {R"(create_time>"2026-01-01T00:00:00Z" create_time:*)", ""},
      {"displayname=x", "unknown field \"displayname\"; known are display_name, create_time"},
      {"NOT (display_name=x OR (labelsx.y=1))", "unknown field \"labelsx.y\""},
      {"create_time>yesterday", "which is no time"},
      {"create_time:2026", "which is no time"},
      {"word", "\"word\" is compared with nothing"},
  };
  for (const Case& c : cases) {
    absl::Status status = CheckFilterFields(*ParseFilter(c.text), known);
    if (*c.message == '\0') {
      EXPECT_TRUE(status.ok()) << c.text << ": " << status;
    } else {
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.text;
      EXPECT_THAT(std::string(status.message()), HasSubstr(c.message));
    }
  }
  EXPECT_TRUE(CheckFilterFields(*ParseFilter("word"), {"*"}).ok());
}

}  // namespace
}  // namespace trainyard::model
