#include "bin/server_config.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace trainyard::bin {
namespace {

TEST(ServerConfig, ReadsEveryKindOfValue) {
  ServerConfig config;
  absl::Status status = ApplyYaml(
      "data_directory: /d\nlisten: 0.0.0.0:9000\nprojects: [a, b]\nlocations: "
      "us-central1\nplacement: strict\n"
      "cpus: 3.5\nmemory: 2GiB\nmachine_types:\n- {name: tiny, cpus: 0.1, memory: 64MiB}\n",
      config);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(config.data_directory, "/d");
  EXPECT_EQ(config.projects, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(config.locations, std::vector<std::string>{"us-central1"});
  EXPECT_EQ(config.cpus, 3.5);
  EXPECT_EQ(config.memory_bytes, 2ull << 30);
  ASSERT_EQ(config.machine_types.size(), 1u);
  EXPECT_EQ(config.machine_types[0].cpu_milli, 100);
  EXPECT_EQ(config.machine_types[0].memory_bytes, 64 << 20);
  EXPECT_TRUE(CheckConfig(config).ok());
}

TEST(ServerConfig, SaysWhatIsWrongAndWhere) {
  struct {
    const char* yaml;
    const char* want;
  } cases[] = {
      {"lisen: x", "unknown key \"lisen\""},
      {"a: b\nlisten: [", "line"},
      {"- a", "key: value"},
      {"memory: much", "no size"},
      {"machine_types: [{name: x}]", "needs name, cpus and memory"},
      {"machine_types: [{name: x, gpus: 1}]", "known: name, cpus, memory"},
      {"cpus: many", "line 1"},
  };
  for (const auto& c : cases) {
    ServerConfig config;
    absl::Status status = ApplyYaml(c.yaml, config);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << c.yaml;
    EXPECT_TRUE(absl::StrContains(status.message(), c.want)) << c.yaml << ": " << status;
  }
}

TEST(ServerConfig, ChecksValues) {
  struct {
    void (*change)(ServerConfig&);
    const char* want;
  } cases[] = {
      {[](ServerConfig& c) { c.placement = "tight"; }, "share or strict"},
      {[](ServerConfig& c) { c.egress = "all"; }, "internet or none"},
      {[](ServerConfig& c) { c.certificate = "/c"; }, "go together"},
      {[](ServerConfig& c) { c.data_directory = "d"; }, "absolute"},
      {[](ServerConfig& c) { c.listen = "8443"; }, "HOST:PORT"},
      {[](ServerConfig& c) { c.locations = {"moon"}; }, "us-central1"},
      {[](ServerConfig& c) { c.job_environment = {"X"}; }, "NAME=value"},
  };
  for (const auto& c : cases) {
    ServerConfig config;
    config.data_directory = "/d";
    ASSERT_TRUE(CheckConfig(config).ok());
    c.change(config);
    absl::Status status = CheckConfig(config);
    EXPECT_TRUE(absl::StrContains(status.message(), c.want)) << c.want << ": " << status;
  }
}

TEST(ServerConfig, ParsesSizes) {
  EXPECT_EQ(ParseBytes("512MiB").value(), 512 << 20);
  EXPECT_EQ(ParseBytes("1.5G").value(), 3ll << 29);
  EXPECT_EQ(ParseBytes("7").value(), 7);
  EXPECT_EQ(ParseBytes("2KB").value(), 2000);
  for (const char* bad : {"", "x", "-1", "1e99", "1 GiB x"})
    EXPECT_FALSE(ParseBytes(bad).ok()) << bad;
  EXPECT_EQ(ParseCpuMilli("0.1").value(), 100);
  for (const char* bad : {"", "0", "-1", "nan", "1e9"})
    EXPECT_FALSE(ParseCpuMilli(bad).ok()) << bad;
}

}  // namespace
}  // namespace trainyard::bin
