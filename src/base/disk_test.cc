#include "base/disk.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trainyard::base {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// What holds for the real disk.
class RealDiskTest : public ::testing::Test {
 protected:
  RealDiskTest() {
    char name[] = "/tmp/disk_test.XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~RealDiskTest() override { std::filesystem::remove_all(directory_); }
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  mode_t Mode(const std::string& name) const {
    struct stat info;
    return stat(Path(name).c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
  }

  std::string directory_;
  RealDisk disk_;
};

TEST_F(RealDiskTest, ModesAreExact) {
  mode_t mask = umask(0077);
  EXPECT_TRUE(disk_.WriteAtomically(Path("a"), "x", 0644).ok());
  EXPECT_TRUE(disk_.OpenAppend(Path("b"), 0640).ok());
  EXPECT_TRUE(disk_.MakeDirectories(Path("c/d"), 0755).ok());
  umask(mask);
  EXPECT_EQ(Mode("a"), 0644u);
  EXPECT_EQ(Mode("b"), 0640u);
  EXPECT_EQ(Mode("c"), 0755u);
  EXPECT_EQ(Mode("c/d"), 0755u);
}

TEST_F(RealDiskTest, AFailedAtomicWriteLeavesNothing) {
  ASSERT_TRUE(disk_.MakeDirectories(Path("target"), 0700).ok());
  EXPECT_FALSE(disk_.WriteAtomically(Path("target"), "x", 0600).ok());
  EXPECT_THAT(*disk_.List(directory_), ElementsAre("target"));
}

TEST_F(RealDiskTest, ReadsFilesThatSayTheyAreEmpty) {
  EXPECT_THAT(*disk_.Read("/proc/self/stat"), HasSubstr("("));
}

TEST_F(RealDiskTest, DanglingLinkIsNoDirectory) {
  std::filesystem::create_symlink("/no/such", Path("link"));
  EXPECT_FALSE(disk_.MakeDirectories(Path("link/x"), 0700).ok());
  EXPECT_FALSE(disk_.MakeDirectories(Path("link"), 0700).ok());
}

TEST_F(RealDiskTest, RemoveTreeFollowsNoLink) {
  ASSERT_TRUE(disk_.MakeDirectories(Path("kept/inner"), 0700).ok());
  ASSERT_TRUE(disk_.WriteAtomically(Path("kept/inner/file"), "x", 0600).ok());
  ASSERT_TRUE(disk_.MakeDirectories(Path("tree/sub"), 0700).ok());
  std::filesystem::create_symlink(Path("kept"), Path("tree/link"));
  std::filesystem::create_symlink("../../kept", Path("tree/sub/link"));
  std::filesystem::create_symlink(Path("kept"), Path("link"));
  EXPECT_TRUE(disk_.RemoveTree(Path("tree/")).ok());
  EXPECT_TRUE(disk_.RemoveTree(Path("link")).ok());
  EXPECT_THAT(*disk_.List(directory_), ElementsAre("kept"));
  EXPECT_EQ(*disk_.Read(Path("kept/inner/file")), "x");
}

TEST_F(RealDiskTest, RemoveTreeTakesHostileTrees) {
  // Deeper than a path can name, than the stack and the descriptors reach.
  ASSERT_TRUE(disk_.MakeDirectories(Path("tree"), 0700).ok());
  std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(Path("tree"));
  for (int depth = 0; depth < 5000; ++depth) {
    ASSERT_EQ(mkdir("deep", 0700), 0);
    if (depth % 40 == 3) {
      ASSERT_EQ(mkdir(".removing-1", 0700), 0);
    }
    ASSERT_EQ(chdir("deep"), 0);
  }
  std::filesystem::current_path(before);
  ASSERT_EQ(mkdir(Path("tree/.removing-1").c_str(), 0700), 0);
  ASSERT_EQ(mkfifo(Path("tree/fifo").c_str(), 0600), 0);
  ASSERT_EQ(mkdir(Path("tree/closed").c_str(), 0700), 0);
  ASSERT_TRUE(disk_.WriteAtomically(Path("tree/closed/file"), "", 0).ok());
  ASSERT_EQ(chmod(Path("tree/closed").c_str(), 0), 0);
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(mkdir(Path("tree/" + std::to_string(i)).c_str(), 0700), 0);
  }
  EXPECT_TRUE(disk_.RemoveTree(Path("tree")).ok()) << disk_.RemoveTree(Path("tree"));
  EXPECT_THAT(*disk_.List(directory_), SizeIs(0));
}

TEST_F(RealDiskTest, RemoveTreeRefusesAMountPoint) {
  // /proc/sys is one everywhere, or /proc is.
  absl::Status status = disk_.RemoveTree("/proc");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("mount point"));
}

TEST_F(RealDiskTest, RemoveTreeRefusesPathsThatNameNoEntry) {
  for (const char* path : {"", "/", "//", "relative", "/tmp/..", "/tmp/."}) {
    EXPECT_EQ(disk_.RemoveTree(path).code(), absl::StatusCode::kInvalidArgument) << path;
  }
}

TEST_F(RealDiskTest, FreeBytesAreSome) { EXPECT_GT(*disk_.FreeBytes(directory_), 0u); }

}  // namespace
}  // namespace trainyard::base
