#include "runtime/local/layer_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"

namespace trainyard::runtime {
namespace {

class LayerCacheTest : public testing::Test {
 protected:
  LayerCacheTest() {
    std::string pattern = testing::TempDir() + "layers-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~LayerCacheTest() override { std::filesystem::remove_all(directory_); }

  base::RealDisk disk_;
  std::string directory_;
};

TEST_F(LayerCacheTest, MakesOnceAndFindsAfterwards) {
  LayerCache cache(disk_, directory_);
  EXPECT_TRUE(absl::IsNotFound(cache.Find("a").status()));
  int made = 0;
  auto make = [&](const std::string& path) {
    ++made;
    return disk_.WriteAtomically(absl::StrCat(path, "/file"), "x", 0644);
  };
  absl::StatusOr<std::string> first = cache.Ensure("a", make);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(disk_.Read(absl::StrCat(*first, "/file")).value(), "x");
  EXPECT_EQ(cache.Ensure("a", make).value(), *first);
  EXPECT_EQ(cache.Find("a").value(), *first);
  EXPECT_EQ(made, 1);
}

TEST_F(LayerCacheTest, AFailedLayerLeavesNothingAndIsTriedAgain) {
  LayerCache cache(disk_, directory_);
  absl::Status failed = cache
                            .Ensure("a",
                                    [&](const std::string& path) {
                                      std::ofstream(path + "/half") << "x";
                                      return absl::UnavailableError("no mirror");
                                    })
                            .status();
  EXPECT_TRUE(absl::IsUnavailable(failed));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/building/a"));
  ASSERT_TRUE(cache
                  .Ensure("a",
                          [&](const std::string& path) {
                            EXPECT_TRUE(std::filesystem::is_empty(path));
                            return absl::OkStatus();
                          })
                  .ok());
}

TEST_F(LayerCacheTest, TwoMakersOfOneLayerMakeItOnce) {
  std::atomic<int> made = 0;
  auto ensure = [&] {
    LayerCache cache(disk_, directory_);
    ASSERT_TRUE(cache
                    .Ensure("a",
                            [&](const std::string&) {
                              ++made;
                              usleep(50'000);
                              return absl::OkStatus();
                            })
                    .ok());
  };
  std::thread one(ensure), two(ensure);
  one.join();
  two.join();
  EXPECT_EQ(made, 1);
}

TEST(LayerKey, DependsOnTheContent) {
  EXPECT_EQ(LayerKey("a", "x"), LayerKey("a", "x"));
  EXPECT_NE(LayerKey("a", "x"), LayerKey("a", "y"));
  EXPECT_EQ(LayerKey("a", "x").substr(0, 2), "a-");
}

TEST_F(LayerCacheTest, UnpacksWithShiftedOwners) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may change owners";
  std::string source = directory_ + "/source", target = directory_ + "/target";
  std::filesystem::create_directories(source + "/bin");
  std::filesystem::create_directories(target);
  std::ofstream(source + "/bin/tool") << "x";
  ASSERT_EQ(chmod((source + "/bin/tool").c_str(), 04755), 0);
  ASSERT_EQ(symlink("/bin/tool", (source + "/link").c_str()), 0);
  ASSERT_EQ(link((source + "/bin/tool").c_str(), (source + "/hard").c_str()), 0);
  ASSERT_EQ(mkfifo((source + "/fifo").c_str(), 0600), 0);
  std::string tar = directory_ + "/a.tar";
  ASSERT_EQ(system(("tar -C " + source + " -cf " + tar + " .").c_str()), 0);

  absl::Status unpacked = UnpackShifted(tar, target, 100000);
  ASSERT_TRUE(unpacked.ok()) << unpacked;
  struct stat status;
  ASSERT_EQ(lstat((target + "/bin/tool").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 100000u);
  EXPECT_EQ(status.st_mode & 07777, 04755u);
  EXPECT_EQ(status.st_nlink, 2u);
  EXPECT_EQ(std::filesystem::read_symlink(target + "/link"), "/bin/tool");
  EXPECT_FALSE(std::filesystem::exists(target + "/fifo"));

  ASSERT_TRUE(ShiftOwners(target, 5).ok());
  ASSERT_EQ(lstat((target + "/link").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 100005u);
  ASSERT_EQ(stat((target + "/bin").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 100005u);
}

}  // namespace
}  // namespace trainyard::runtime
