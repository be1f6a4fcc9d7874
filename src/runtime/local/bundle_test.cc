#include "runtime/local/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace trainyard::runtime {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Fixture {
  Fixture() {
    settings.seccomp_base64 = "QUJD";
    settings.init_layer = "/state/init-layer";
    settings.crun_path = "/usr/bin/crun";
    settings.log_root = "/logs";
    replica.replica_id = "7-1-0-0";
    replica.job_id = "7";
    replica.task_name = "workerpool0-0";
    replica.host_name = "host-0";
    replica.need.set_cpu_milli(4000);
    replica.need.set_memory_bytes(1 << 30);
    replica.pool.mutable_container_spec()->set_image_uri("i");
    image.layers = {"/cache/env", "/cache/base"};
    image.entrypoint = {"/entry"};
    image.command = {"cmd"};
    network.address = "10.0.0.2";
    network.nameservers = {"9.9.9.9"};
    cgroups.prefix = "/trainyard-x";
    cgroups.hierarchies = {"/c/memory", "/c/pids"};
    cgroups.kill_hierarchy = "/c/pids";
    cgroups.mode = CgroupMode::kV1;
    cgroups.swap_is_limited = true;
  }
  BundleInput input() {
    return {settings, replica, image, package_command, buckets, network, cgroups, {"/state/r/7"}};
  }

  BundleSettings settings;
  control::DesiredReplica replica;
  PreparedImage image;
  std::vector<std::string> package_command;
  std::vector<BucketMount> buckets;
  Network network;
  CgroupLayout cgroups;
};

TEST(Bundle, CommandFollowsDockersRules) {
  struct Case {
    const char* name;
    std::vector<std::string> entrypoint, image_command, command, args, want;
  };
  const Case cases[] = {
      {"neither", {"e"}, {"c"}, {}, {}, {"e", "c"}},
      {"command alone drops the image's", {"e"}, {"c"}, {"x"}, {}, {"x"}},
      {"arguments alone replace the image's command", {"e"}, {"c"}, {}, {"1"}, {"e", "1"}},
      {"both", {"e"}, {"c"}, {"x"}, {"1", "2"}, {"x", "1", "2"}},
      {"no entry point", {}, {"c"}, {}, {}, {"c"}},
      {"no entry point, arguments", {}, {"c"}, {}, {"sh"}, {"sh"}},
  };
  for (const Case& c : cases) {
    Fixture f;
    f.image.entrypoint = c.entrypoint;
    f.image.command = c.image_command;
    auto& spec = *f.replica.pool.mutable_container_spec();
    spec.mutable_command()->Assign(c.command.begin(), c.command.end());
    spec.mutable_args()->Assign(c.args.begin(), c.args.end());
    auto command = CommandOf(f.input());
    ASSERT_TRUE(command.ok()) << c.name;
    EXPECT_EQ(*command, c.want) << c.name;
  }
  Fixture nothing;
  nothing.image.entrypoint = nothing.image.command = {};
  EXPECT_EQ(CommandOf(nothing.input()).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(WriteConfig(nothing.input()).ok());
}

TEST(Bundle, TheLaterVariableWinsInItsFirstPlace) {
  Fixture f;
  f.image.environment = {"PATH=/image", "A=image", "B=image", "broken"};
  f.settings.environment = {{"B", "server"}, {"C", "server"}};
  f.replica.environment = {{"C", "job"}, {"EMPTY", ""}};
  EXPECT_THAT(EnvironmentOf(f.input()),
              ElementsAre("PATH=/image", "HOME=/root", "A=image", "B=server", "C=job", "EMPTY="));
  f.image.uid = 1000;
  EXPECT_THAT(EnvironmentOf(f.input()), Not(Contains("HOME=/root")));
}

google::protobuf::Struct Parse(const std::string& json) {
  google::protobuf::Struct parsed;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &parsed).ok()) << json;
  return parsed;
}

TEST(Bundle, ConfigIsWhatCrunReads) {
  Fixture f;
  f.buckets = {{"b", "/data/b"}};
  f.replica.environment = {{"QUOTES", "\"\n"}};
  auto config = WriteConfig(f.input());
  ASSERT_TRUE(config.ok()) << config.status();
  google::protobuf::Struct json = Parse(*config);
  const auto& process = json.fields().at("process").struct_value().fields();
  EXPECT_EQ(process.at("args").list_value().values(0).string_value(), "/.trainyard/init");
  EXPECT_EQ(process.at("args").list_value().values(1).string_value(), "/entry");
  EXPECT_TRUE(process.at("noNewPrivileges").bool_value());
  const auto& host = json.fields().at("linux").struct_value().fields();
  EXPECT_EQ(host.at("cgroupsPath").string_value(), "/trainyard-x/7-1-0-0");
  const auto& resources = host.at("resources").struct_value().fields();
  EXPECT_EQ(resources.at("cpu").struct_value().fields().at("shares").number_value(), 4096);
  EXPECT_FALSE(resources.at("cpu").struct_value().fields().contains("quota"));
  EXPECT_EQ(resources.at("memory").struct_value().fields().at("swap").number_value(), 1 << 30);
  EXPECT_THAT(*config, HasSubstr(R"({"destination":"/gcs/b","type":"bind","source":"/data/b",)"
                                 R"("options":["rbind","rw","nosuid","nodev"]})"));
  EXPECT_THAT(*config, HasSubstr("size=536870912"));
  EXPECT_THAT(*config, HasSubstr(R"("run.oci.seccomp_bpf_data":"QUJD")"));
  EXPECT_THAT(*config, Not(HasSubstr("CAP_NET_RAW")));
  EXPECT_THAT(*config, Not(HasSubstr("CAP_SYS_ADMIN")));
}

TEST(Bundle, StrictPlacementHasAQuotaAndV2ItsCgroup) {
  Fixture f;
  f.settings.placement = Placement::kStrict;
  f.cgroups.mode = CgroupMode::kV2;
  f.cgroups.swap_is_limited = false;
  std::string config = WriteConfig(f.input()).value_or("");
  EXPECT_THAT(config, HasSubstr(R"("quota":400000,"period":100000)"));
  EXPECT_THAT(config, HasSubstr("/sys/fs/cgroup"));
  EXPECT_THAT(config, Not(HasSubstr("\"swap\"")));
}

TEST(Bundle, SharesStayInTheKernelsRange) {
  struct Case {
    int64_t cpu_milli;
    const char* want;
  };
  const Case cases[] = {
      {0, "\"shares\":2}"}, {100, "\"shares\":102}"}, {1'000'000'000, "\"shares\":262144}"}};
  for (const Case& c : cases) {
    Fixture f;
    f.replica.need.set_cpu_milli(c.cpu_milli);
    EXPECT_THAT(WriteConfig(f.input()).value_or(""), HasSubstr(c.want));
  }
}

TEST(Bundle, SpecTellsTheRunnerEverything) {
  Fixture f;
  f.buckets = {{"b", "/data/b"}};
  trainyard::runner::v1::ReplicaSpec spec = WriteSpec(f.input());
  EXPECT_EQ(spec.version(), 1u);
  EXPECT_EQ(spec.log_directory(), "/logs/7/workerpool0-0");
  EXPECT_THAT(spec.layers(), ElementsAre("/state/init-layer", "/cache/env", "/cache/base"));
  EXPECT_THAT(spec.cgroup_directories(),
              ElementsAre("/c/memory/trainyard-x/7-1-0-0", "/c/pids/trainyard-x/7-1-0-0"));
  EXPECT_EQ(spec.runner_cgroup_directory(), "/c/pids/trainyard-x/7-1-0-0.runner");
  EXPECT_THAT(spec.stage_path(), IsEmpty()) << "the user's own program names no stages";
  std::map<std::string, std::string> files;
  for (const auto& file : spec.root_files()) files[file.path()] = file.contents();
  EXPECT_EQ(files["/etc/hosts"], "127.0.0.1\tlocalhost\n10.0.0.2\thost-0\n");
  EXPECT_EQ(files["/etc/resolv.conf"], "nameserver 9.9.9.9\n");
  EXPECT_TRUE(files.contains("/gcs/b"));

  f.replica.pool.mutable_python_package_spec()->set_executor_image_uri("i");
  f.replica.pool.clear_container_spec();
  f.package_command = {"python3", "run"};
  EXPECT_EQ(WriteSpec(f.input()).stage_path(), kStageFile);
  EXPECT_EQ(*CommandOf(f.input()), f.package_command);
}

}  // namespace
}  // namespace trainyard::runtime
