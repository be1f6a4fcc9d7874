#include "cli/ca_bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/fake_disk.h"

namespace trainyard::cli {
namespace {

using testing::HasSubstr;

class MergedBundleTest : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(disk_.WriteAtomically(path, text, 0644).ok());
  }
  base::FakeClock clock_;
  base::FakeDisk disk_{clock_};
  const std::string ours_ = "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n";
};

TEST_F(MergedBundleTest, TakesTheFirstThatIsThere) {
  Write("/ca", ours_);
  Write("/b", "second");
  Write("/c", "third");
  const auto merged = MergedBundle(disk_, {"/a", "/b", "/c"}, "/ca");
  ASSERT_TRUE(merged.ok());
  EXPECT_THAT(*merged, HasSubstr("second"));
  EXPECT_THAT(*merged, HasSubstr("ours"));
  EXPECT_THAT(*merged, testing::Not(HasSubstr("third")));
}

TEST_F(MergedBundleTest, SaysWhereTheSystemHasNone) {
  Write("/ca", ours_);
  EXPECT_THAT(MergedBundle(disk_, {"/a"}, "/ca").value_or(""), HasSubstr("# Only Trainyard"));
}

TEST_F(MergedBundleTest, NeedsOurCertificate) {
  EXPECT_TRUE(absl::IsNotFound(MergedBundle(disk_, {}, "/ca").status()));
  Write("/ca", "garbage");
  EXPECT_TRUE(absl::IsInvalidArgument(MergedBundle(disk_, {}, "/ca").status()));
}

TEST_F(MergedBundleTest, WritesOnlyWhatChanged) {
  Write("/ca", ours_);
  ASSERT_TRUE(WriteMergedBundle(disk_, {}, "/ca", "/out").ok());
  disk_.SetFault([](absl::string_view operation, const std::string&) {
    return operation == "write" ? absl::InternalError("no writes") : absl::OkStatus();
  });
  EXPECT_TRUE(WriteMergedBundle(disk_, {}, "/ca", "/out").ok());
}

}  // namespace
}  // namespace trainyard::cli
