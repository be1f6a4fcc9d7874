#include "store/faulty_store.h"

#include <stdlib.h>

#include <filesystem>

#include "gtest/gtest.h"

namespace trainyard::store {
namespace {

class FaultyStoreTest : public ::testing::Test {
 protected:
  FaultyStoreTest() {
    char name[] = "/tmp/faulty_store_test.XXXXXX";
    directory_ = mkdtemp(name);
    real_ = *OpenSqliteStore({.path = directory_ + "/trainyard.db",
                              .token_key = std::string(32, 'k'),
                              .sync = false,
                              .log_bytes = 0});
  }
  ~FaultyStoreTest() override {
    real_.reset();
    std::filesystem::remove_all(directory_);
  }

  std::string directory_;
  std::unique_ptr<Store> real_;
};

TEST_F(FaultyStoreTest, FailsBeforeAndAfterTheCommit) {
  const absl::Status status = absl::UnavailableError("injected");
  CommitFault fault{CommitFault::When::kBefore, status};
  FaultyStore store(*real_, [&](const Transaction&) { return fault; });
  EXPECT_EQ(store.Commit({}).status(), status);
  EXPECT_EQ(real_->revision(), 0);
  fault.when = CommitFault::When::kAfter;
  EXPECT_EQ(store.Commit({}).status(), status);
  EXPECT_EQ(real_->revision(), 1);
  fault.when = CommitFault::When::kNever;
  EXPECT_EQ(*store.Commit({}), 2);
  EXPECT_EQ(store.revision(), 2);
}

TEST_F(FaultyStoreTest, FailsReads) {
  absl::Status status = absl::UnavailableError("injected");
  std::vector<std::string> asked;
  FaultyStore store(*real_, nullptr, [&](absl::string_view operation) {
    asked.emplace_back(operation);
    return status;
  });
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(store.Get(kCustomJobs, "x").status().code(),
              round == 0 ? absl::StatusCode::kUnavailable : absl::StatusCode::kNotFound);
    EXPECT_EQ(store.List({.kind = kCustomJobs}).ok(), round == 1);
    EXPECT_EQ(store.ListLive(kCustomJobs).ok(), round == 1);
    EXPECT_EQ(store.ReadEvents(0, 1).ok(), round == 1);
    EXPECT_EQ(store.CheckSpace().ok(), round == 1);
    status = absl::OkStatus();
  }
  EXPECT_EQ(asked.size(), 10u);
}

}  // namespace
}  // namespace trainyard::store
