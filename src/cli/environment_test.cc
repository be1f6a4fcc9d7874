#include "cli/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/process.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace trainyard::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

Target Sample() {
  Target target;
  target.endpoint = "127.0.0.1:8443";
  target.ca_file = "/data/tls/ca.pem";
  target.ca_bundle = "/data/ca-bundle.pem";
  target.credentials = "/data/it's a key.json";
  target.project = "p";
  target.location = "us-central1";
  target.data_directory = "/data";
  return target;
}

TEST(EnvironmentTest, TellsEachClientOfTheServer) {
  const ClientEnvironment environment = EnvironmentOf(Sample(), {});
  const std::pair<const char*, const char*> cases[] = {
      {"TRAINYARD_ENDPOINT", "127.0.0.1:8443"},
      {"GOOGLE_APPLICATION_CREDENTIALS", "/data/it's a key.json"},
      {"CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", "/data/it's a key.json"},
      {"CLOUDSDK_AUTH_TOKEN_HOST", "https://127.0.0.1:8443/token"},
      {"CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM", "https://127.0.0.1:8443/"},
      {"CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", "https://127.0.0.1:8443/storage/v1/"},
      {"API_ENDPOINT_OVERRIDE", "https://127.0.0.1:8443"},
      {"REQUESTS_CA_BUNDLE", "/data/ca-bundle.pem"},
      {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "/data/ca-bundle.pem"},
      {"no_proxy", "localhost,127.0.0.1,::1"},
      {"NO_PROXY", "localhost,127.0.0.1,::1"},
  };
  for (const auto& [name, value] : cases) {
    EXPECT_THAT(environment.set, Contains(Pair(name, value)));
  }
  EXPECT_EQ(environment.set.count("GOOGLE_CLOUD_PROJECT"), 0u);
  EXPECT_TRUE(environment.unset.empty());
}

TEST(EnvironmentTest, MergesProxyExceptions) {
  Target target = Sample();
  target.endpoint = "[fd00::7]:8443";
  const struct {
    Variables current;
    const char* merged;
  } cases[] = {
      {{}, "localhost,127.0.0.1,::1,fd00::7"},
      {{{"no_proxy", "corp.example, localhost"}}, "corp.example,localhost,127.0.0.1,::1,fd00::7"},
      {{{"NO_PROXY", "a"}, {"no_proxy", "b"}}, "a,b,localhost,127.0.0.1,::1,fd00::7"},
      {{{"no_proxy", "*"}}, "*"},
      {{{"no_proxy", "localhost,127.0.0.1,::1,fd00::7"}}, "localhost,127.0.0.1,::1,fd00::7"},
  };
  for (const auto& test : cases) {
    const ClientEnvironment environment = EnvironmentOf(target, test.current);
    EXPECT_EQ(environment.set.at("no_proxy"), test.merged);
    EXPECT_EQ(environment.set.at("NO_PROXY"), test.merged);
  }
}

TEST(EnvironmentTest, TakesAwayWhatLeadsElsewhere) {
  const Variables current = {{"GOOGLE_CLOUD_PROJECT", "real"},
                             {"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", "/x"},
                             {"HOME", "/root"}};
  const ClientEnvironment environment = EnvironmentOf(Sample(), current);
  EXPECT_THAT(environment.unset,
              ElementsAre("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", "GOOGLE_CLOUD_PROJECT"));
  const std::vector<std::string> applied = Applied(environment, current);
  EXPECT_THAT(applied, Contains("HOME=/root"));
  EXPECT_THAT(applied, Not(Contains("GOOGLE_CLOUD_PROJECT=real")));
}

TEST(EnvironmentTest, UnderExecNoClientIsToldOfAnEndpoint) {
  const Variables current = EnvironmentOf(Sample(), {}).set;
  const ClientEnvironment environment = ExecEnvironmentOf(Sample(), current);
  const std::vector<std::string> applied = Applied(environment, current);
  for (const std::string& entry : applied) {
    EXPECT_THAT(entry, Not(testing::StartsWith("API_ENDPOINT_OVERRIDE=")));
    EXPECT_THAT(entry, Not(testing::StartsWith("CLOUDSDK_API_ENDPOINT_OVERRIDES")));
  }
  EXPECT_THAT(applied, Contains("GOOGLE_CLOUD_PROJECT=p"));
  EXPECT_THAT(environment.set.at("no_proxy"), HasSubstr("us-central1-aiplatform.googleapis.com"));
  EXPECT_EQ(ExecEnvironmentOf(Sample(), {{"GOOGLE_CLOUD_PROJECT", "mine"}})
                .set.count("GOOGLE_CLOUD_PROJECT"),
            0u);
}

TEST(EnvironmentTest, QuotesForTheShell) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "''"},           {"plain/path.x", "plain/path.x"},
      {"a b", "'a b'"},     {"it's", "'it'\\''s'"},
      {"$(rm)", "'$(rm)'"}, {"`x`", "'`x`'"},
      {"a\nb", "'a\nb'"},   {"~", "'~'"},
      {"*", "'*'"}};
  for (const auto& [text, quoted] : cases) EXPECT_EQ(ShellQuoted(text), quoted);
}

// The shell itself takes the exports in, and back.
TEST(EnvironmentTest, AShellReadsIt) {
  Target target = Sample();
  const Variables current = {{"no_proxy", "corp.example"}, {"GOOGLE_CLOUD_PROJECT", "real"}};
  const std::string script = absl::StrCat(
      "set -eu\nno_proxy=corp.example\nGOOGLE_CLOUD_PROJECT=real\n",
      RenderExports(target, EnvironmentOf(target, current)),
      "echo \"$GOOGLE_APPLICATION_CREDENTIALS|$no_proxy|${GOOGLE_CLOUD_PROJECT-none}\"\n",
      RenderUnset(target, {{"no_proxy", "corp.example,localhost,127.0.0.1,::1"}}),
      "echo \"${GOOGLE_APPLICATION_CREDENTIALS-none}|$no_proxy|${API_ENDPOINT_OVERRIDE-none}\"\n");
  base::RealProcesses processes;
  const auto result =
      processes.Run({.argv = {"sh"}, .environment = {"PATH=/bin"}, .input = script});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->exit_code, 0) << result->error;
  EXPECT_EQ(result->output,
            "/data/it's a key.json|corp.example,localhost,127.0.0.1,::1|none\n"
            "none|corp.example|none\n");
}

TEST(EnvironmentTest, JsonIsTheVariables) {
  google::protobuf::Struct object;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(RenderJson(EnvironmentOf(Sample(), {})), &object)
          .ok());
  EXPECT_EQ(object.fields().at("GOOGLE_APPLICATION_CREDENTIALS").string_value(),
            "/data/it's a key.json");
  EXPECT_EQ(static_cast<size_t>(object.fields().size()), EnvironmentOf(Sample(), {}).set.size());
}

TEST(SplitEndpointTest, Table) {
  const struct {
    const char* endpoint;
    const char* host;
    int port;
  } cases[] = {{"127.0.0.1:8443", "127.0.0.1", 8443},
               {"host", "host", 443},
               {"[::1]:9", "::1", 9},
               {"[::1]", "::1", 443},
               {"host:x", "host", 443}};
  for (const auto& test : cases) {
    EXPECT_EQ(SplitEndpoint(test.endpoint).host, test.host) << test.endpoint;
    EXPECT_EQ(SplitEndpoint(test.endpoint).port, test.port) << test.endpoint;
  }
}

}  // namespace
}  // namespace trainyard::cli
