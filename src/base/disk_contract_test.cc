// What holds for every Disk.
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "base/clock.h"
#include "base/disk.h"
#include "base/fake_disk.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trainyard::base {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DiskContractTest : public ::testing::TestWithParam<const char*> {
 protected:
  DiskContractTest() {
    if (std::string(GetParam()) == "fake") {
      disk_ = std::make_unique<FakeDisk>(clock_);
      directory_ = "/data";
      EXPECT_TRUE(disk_->MakeDirectories(directory_, 0700).ok());
    } else {
      char name[] = "/tmp/disk_contract_test.XXXXXX";
      directory_ = mkdtemp(name);
      disk_ = std::make_unique<RealDisk>();
    }
  }
  ~DiskContractTest() override {
    if (std::string(GetParam()) != "fake") std::filesystem::remove_all(directory_);
  }
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  absl::StatusCode ReadCode(const std::string& name) {
    return disk_->Read(Path(name)).status().code();
  }

  FakeClock clock_;
  std::unique_ptr<Disk> disk_;
  std::string directory_;
};

TEST_P(DiskContractTest, WritesAndReads) {
  const std::string contents = std::string("a\0b", 3) + std::string(3 << 20, 'x');
  ASSERT_TRUE(disk_->WriteAtomically(Path("f"), contents, 0600).ok());
  EXPECT_EQ(*disk_->Read(Path("f")), contents);
  ASSERT_TRUE(disk_->WriteAtomically(Path("f"), "new", 0600).ok());
  EXPECT_EQ(*disk_->Read(Path("f")), "new");
  EXPECT_THAT(*disk_->List(directory_), ElementsAre("f"));
}

TEST_P(DiskContractTest, ReadsRanges) {
  ASSERT_TRUE(disk_->WriteAtomically(Path("f"), "0123456789", 0600).ok());
  struct Case {
    uint64_t offset, length;
    const char* expected;
  };
  const Case cases[] = {{0, 4, "0123"}, {8, 5, "89"}, {10, 1, ""}, {99, 1, ""}, {3, 0, ""}};
  for (const Case& c : cases) {
    EXPECT_EQ(*disk_->ReadRange(Path("f"), c.offset, c.length), c.expected) << c.offset;
  }
}

TEST_P(DiskContractTest, Appends) {
  for (const char* text : {"one", "two"}) {
    auto file = disk_->OpenAppend(Path("f"), 0600);
    ASSERT_TRUE(file.ok()) << file.status();
    uint64_t before = (*file)->size_bytes();
    EXPECT_TRUE((*file)->Append(text).ok());
    EXPECT_TRUE((*file)->Append("").ok());
    EXPECT_EQ((*file)->size_bytes(), before + 3);
    EXPECT_TRUE((*file)->Sync().ok());
    EXPECT_TRUE((*file)->Sync().ok());
  }
  EXPECT_EQ(*disk_->Read(Path("f")), "onetwo");
  EXPECT_EQ(disk_->Stat(Path("f"))->size_bytes, 6u);
}

TEST_P(DiskContractTest, Truncates) {
  ASSERT_TRUE(disk_->WriteAtomically(Path("f"), "abcdef", 0600).ok());
  EXPECT_TRUE(disk_->Truncate(Path("f"), 2).ok());
  EXPECT_EQ(*disk_->Read(Path("f")), "ab");
  EXPECT_TRUE(disk_->Truncate(Path("f"), 3).ok());
  EXPECT_EQ(*disk_->Read(Path("f")), std::string("ab\0", 3));
}

TEST_P(DiskContractTest, Renames) {
  ASSERT_TRUE(disk_->MakeDirectories(Path("a"), 0700).ok());
  ASSERT_TRUE(disk_->MakeDirectories(Path("b"), 0700).ok());
  ASSERT_TRUE(disk_->WriteAtomically(Path("a/f"), "1", 0600).ok());
  ASSERT_TRUE(disk_->WriteAtomically(Path("b/f"), "2", 0600).ok());
  EXPECT_TRUE(disk_->Rename(Path("a/f"), Path("b/f")).ok());
  EXPECT_EQ(*disk_->Read(Path("b/f")), "1");
  EXPECT_EQ(ReadCode("a/f"), absl::StatusCode::kNotFound);
  EXPECT_TRUE(disk_->Rename(Path("b"), Path("c")).ok());
  EXPECT_EQ(*disk_->Read(Path("c/f")), "1");
}

TEST_P(DiskContractTest, AnOpenFileKeepsItsNameThroughARename) {
  auto file = disk_->OpenAppend(Path("f"), 0600);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(disk_->Rename(Path("f"), Path("g")).ok());
  EXPECT_TRUE((*file)->Append("late").ok());
  EXPECT_TRUE((*file)->Sync().ok());
  EXPECT_EQ(*disk_->Read(Path("g")), "late");
}

TEST_P(DiskContractTest, RemovesFilesAndTrees) {
  ASSERT_TRUE(disk_->MakeDirectories(Path("t/u/v"), 0700).ok());
  ASSERT_TRUE(disk_->MakeDirectories(Path("tt"), 0700).ok());
  ASSERT_TRUE(disk_->WriteAtomically(Path("t/u/f"), "", 0600).ok());
  ASSERT_TRUE(disk_->WriteAtomically(Path("f"), "", 0600).ok());
  EXPECT_FALSE(disk_->Remove(Path("tt")).ok());
  for (int i = 0; i < 2; ++i) {  // the second time they are not there
    EXPECT_TRUE(disk_->Remove(Path("f")).ok());
    EXPECT_TRUE(disk_->RemoveTree(Path("t")).ok());
  }
  EXPECT_THAT(*disk_->List(directory_), ElementsAre("tt"));
  EXPECT_TRUE(disk_->RemoveTree(Path("tt/")).ok());
  EXPECT_THAT(*disk_->List(directory_), IsEmpty());
  EXPECT_TRUE(disk_->RemoveTree(Path("no/such/parent")).ok());
}

TEST_P(DiskContractTest, ListsSorted) {
  ASSERT_TRUE(disk_->MakeDirectories(Path("b/inner"), 0700).ok());
  for (const char* name : {"c", "a"}) {
    ASSERT_TRUE(disk_->WriteAtomically(Path(name), "", 0600).ok());
  }
  EXPECT_THAT(*disk_->List(directory_), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(disk_->Stat(Path("b"))->is_directory);
  EXPECT_FALSE(disk_->Stat(Path("a"))->is_directory);
}

TEST_P(DiskContractTest, MakesDirectoriesTwice) {
  EXPECT_TRUE(disk_->MakeDirectories(Path("a/b/c/"), 0700).ok());
  EXPECT_TRUE(disk_->MakeDirectories(Path("a/b/c"), 0700).ok());
  ASSERT_TRUE(disk_->WriteAtomically(Path("f"), "", 0600).ok());
  EXPECT_FALSE(disk_->MakeDirectories(Path("f"), 0700).ok());
  EXPECT_FALSE(disk_->MakeDirectories(Path("f/g"), 0700).ok());
}

TEST_P(DiskContractTest, SaysWhatIsNotThere) {
  EXPECT_EQ(ReadCode("no"), absl::StatusCode::kNotFound);
  EXPECT_EQ(disk_->Stat(Path("no")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(disk_->List(Path("no")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(disk_->Truncate(Path("no"), 0).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(disk_->Rename(Path("no"), Path("x")).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(disk_->OpenAppend(Path("no/f"), 0600).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(disk_->WriteAtomically(Path("no/f"), "", 0600).code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(disk_->Read(directory_).ok());
  EXPECT_FALSE(disk_->OpenAppend(directory_, 0600).ok());
}

INSTANTIATE_TEST_SUITE_P(Disks, DiskContractTest, ::testing::Values("real", "fake"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace trainyard::base
