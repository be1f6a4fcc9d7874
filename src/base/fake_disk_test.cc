#include "base/fake_disk.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trainyard::base {
namespace {

using ::testing::ElementsAre;

class FakeDiskTest : public ::testing::Test {
 protected:
  std::unique_ptr<AppendFile> Open(const std::string& path) {
    return *disk_.OpenAppend(path, 0600);
  }

  FakeClock clock_;
  FakeDisk disk_{clock_};
};

TEST_F(FakeDiskTest, ACrashLosesWhatWasNotSynced) {
  auto synced = Open("/synced"), unsynced = Open("/unsynced");
  EXPECT_TRUE(synced->Append("kept").ok());
  EXPECT_TRUE(synced->Sync().ok());
  EXPECT_TRUE(synced->Append("lost").ok());
  EXPECT_TRUE(unsynced->Append("lost").ok());
  EXPECT_TRUE(disk_.WriteAtomically("/atomic", "kept", 0600).ok());
  disk_.Crash();
  EXPECT_THAT(*disk_.List("/"), ElementsAre("atomic", "synced"));
  EXPECT_EQ(*disk_.Read("/synced"), "kept");
  EXPECT_EQ(*disk_.Read("/atomic"), "kept");
  EXPECT_FALSE(synced->Append("more").ok());
  EXPECT_FALSE(unsynced->Sync().ok());
}

TEST_F(FakeDiskTest, AReplacedFileIsOneOrTheOther) {
  EXPECT_TRUE(disk_.WriteAtomically("/f", "old", 0600).ok());
  EXPECT_TRUE(disk_.Remove("/f").ok());
  EXPECT_TRUE(Open("/f")->Append("new").ok());
  disk_.Crash();
  EXPECT_FALSE(disk_.Stat("/f").ok());
}

TEST_F(FakeDiskTest, ARandomCrashTearsTheTail) {
  std::set<std::string> seen;
  bool came_back = false, stayed_away = false;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    FakeDisk disk(clock_);
    SeededRandom random(seed);
    auto file = *disk.OpenAppend("/f", 0600);
    EXPECT_TRUE(file->Append("ab").ok());
    EXPECT_TRUE(file->Sync().ok());
    EXPECT_TRUE(file->Append("cd").ok());
    EXPECT_TRUE(disk.WriteAtomically("/removed", "x", 0600).ok());
    EXPECT_TRUE(disk.Remove("/removed").ok());
    disk.Crash(&random);
    seen.insert(*disk.Read("/f"));
    (disk.Stat("/removed").ok() ? came_back : stayed_away) = true;
  }
  EXPECT_THAT(seen, ElementsAre("ab", std::string("ab\0", 3), std::string("ab\0\0", 4), "abc",
                                std::string("abc\0", 4), "abcd"));
  EXPECT_TRUE(came_back && stayed_away);
}

TEST_F(FakeDiskTest, FillsUp) {
  disk_.SetCapacity(5);
  auto file = Open("/f");
  EXPECT_TRUE(file->Append("abc").ok());
  EXPECT_EQ(file->Append("def").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(*disk_.Read("/f"), "abcde");
  EXPECT_EQ(*disk_.FreeBytes("/"), 0u);
  EXPECT_EQ(disk_.WriteAtomically("/g", "x", 0600).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(disk_.Truncate("/f", 1).ok());
  EXPECT_TRUE(disk_.WriteAtomically("/g", "wxyz", 0600).ok());
}

TEST_F(FakeDiskTest, FailsWhenToldTo) {
  auto file = Open("/f");
  disk_.FailAfter(1, absl::InternalError("broken"));
  EXPECT_TRUE(file->Append("a").ok());
  EXPECT_EQ(file->Sync().message(), "broken");
  EXPECT_EQ(disk_.Read("/f").status().message(), "broken");
  disk_.SetFault([](absl::string_view operation, const std::string& path) {
    return operation == "remove" && path == "/f" ? absl::UnavailableError("busy")
                                                 : absl::OkStatus();
  });
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(disk_.Remove("/f").code(), absl::StatusCode::kUnavailable);
  disk_.SetFault(nullptr);
  EXPECT_TRUE(disk_.Remove("/f").ok());
}

TEST_F(FakeDiskTest, KeepsTimes) {
  auto file = Open("/f");
  clock_.Advance(absl::Seconds(5));
  EXPECT_TRUE(file->Append("a").ok());
  EXPECT_EQ(disk_.Stat("/f")->modified, clock_.Now());
}

}  // namespace
}  // namespace trainyard::base
