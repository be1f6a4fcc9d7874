// Every story under sim/scripts comes out as it is written; `simulate --rewrite sim/scripts` writes
// it anew.
#include "sim/script.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/run.h"

namespace trainyard::sim {
namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ostringstream contents;
  contents << std::ifstream(path).rdbuf();
  return contents.str();
}

TEST(Script, Stories) {
  int stories = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(TRAINYARD_SOURCE_DIR "/sim/scripts")) {
    SCOPED_TRACE(entry.path().filename());
    ScratchDirectory scratch;
    std::string told = ReadFile(entry.path());
    absl::StatusOr<std::string> played = RunScript(told, scratch.path());
    ASSERT_TRUE(played.ok()) << played.status();
    EXPECT_EQ(*played, told);
    ++stories;
  }
  EXPECT_GE(stories, 5);
}

TEST(Script, ALineThatIsNoCommand) {
  ScratchDirectory scratch;
  EXPECT_EQ(RunScript("dance\n----\n", scratch.path()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace trainyard::sim
