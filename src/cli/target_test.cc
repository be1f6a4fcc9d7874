#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "cli/connection.h"

namespace trainyard::cli {
namespace {

TEST(Target, FlagsThenEnvironmentThenTheServersFile) {
  std::string pattern = testing::TempDir() + "target-XXXXXX";
  std::string directory = mkdtemp(pattern.data());
  Target written{.endpoint = "file:1",
                 .ca_file = "/ca",
                 .credentials = "/key",
                 .project = "p",
                 .location = "l"};
  std::ofstream(directory + "/client.json") << ClientFileJson(written);

  Target target{.endpoint = "flag:1", .data_directory = directory};
  ASSERT_TRUE(
      CompleteTarget({{"TRAINYARD_PROJECT", "env"}, {"TRAINYARD_ENDPOINT", "env:1"}}, target).ok());
  EXPECT_EQ(target.endpoint, "flag:1");
  EXPECT_EQ(target.credentials, "/key");
  EXPECT_EQ(target.Parent(), "projects/env/locations/l");
  std::filesystem::remove_all(directory);
}

TEST(Target, SaysWhatToDoWhenNothingIsKnown) {
  Target nothing{.data_directory = "/nonexistent"};
  EXPECT_TRUE(absl::StrContains(CompleteTarget({}, nothing).message(), "trainyard serve"));
  Target half{.endpoint = "x:1", .data_directory = "/nonexistent"};
  EXPECT_TRUE(absl::StrContains(CompleteTarget({}, half).message(), "keys create"));
}

}  // namespace
}  // namespace trainyard::cli
