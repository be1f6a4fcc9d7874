// What holds for the store on SQLite beyond the contract: durability, faults, limits of the disk.
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/fault_vfs.h"
#include "store/schema.h"
#include "store/sqlite_connection.h"
#include "store/store.h"

namespace trainyard::store {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

Transaction PutJob(int number, size_t value_bytes = 500) {
  Record record{.kind = kCustomJobs,
                .name = absl::StrCat("jobs/", number),
                .parent = "p",
                .state = "JOB_STATE_QUEUED",
                .live = true,
                .display_name = absl::StrCat("job ", number),
                .labels = {{"team", absl::StrCat(number % 3)}},
                .create_time = absl::FromUnixSeconds(1'800'000'000 + number),
                .value = std::string(value_bytes, 'v')};
  return {.writes = {{Write::Kind::kPut, record}}};
}

class SqliteStoreTest : public ::testing::Test {
 protected:
  SqliteStoreTest() {
    char name[] = "/tmp/sqlite_store_test.XXXXXX";
    directory_ = mkdtemp(name);
    options_ = {.path = directory_ + "/trainyard.db",
                .token_key = std::string(32, 'k'),
                .log_bytes = 256 << 10,
                .reserve_bytes = 1 << 20,
                .free_bytes_min = 0};
  }
  ~SqliteStoreTest() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<Store> Open() { return Open(options_); }
  static std::unique_ptr<Store> Open(const SqliteOptions& options) {
    absl::StatusOr<std::unique_ptr<Store>> store = OpenSqliteStore(options);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  uint64_t LogBytes() const { return std::filesystem::file_size(options_.path + "-wal"); }
  static void ExpectSound(const std::string& path) {
    absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open({.path = path});
    ASSERT_TRUE(connection.ok()) << connection.status();
    absl::StatusOr<Statement> check = (*connection)->Prepare("PRAGMA integrity_check");
    ASSERT_TRUE(check.ok()) << check.status();
    ASSERT_TRUE(*check->Step());
    EXPECT_EQ(check->Text(0), "ok");
  }

  std::string directory_;
  SqliteOptions options_;
};

TEST_F(SqliteStoreTest, FilesArePrivate) {
  auto store = Open();
  ASSERT_TRUE(store->Commit(PutJob(1)).ok());
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    EXPECT_EQ(entry.status().permissions() & std::filesystem::perms::all,
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << entry.path();
  }
}

TEST_F(SqliteStoreTest, RefusesBadKeysAndPaths) {
  options_.token_key = "short";
  EXPECT_EQ(OpenSqliteStore(options_).status().code(), absl::StatusCode::kInvalidArgument);
  options_.token_key = std::string(32, 'k');
  options_.path = "/no/such/directory/trainyard.db";
  EXPECT_EQ(OpenSqliteStore(options_).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(SqliteStoreTest, OneProcessAtATime) {
  auto store = Open();
  absl::Status second = OpenSqliteStore(options_).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.message()), HasSubstr("open in another process"));
  store.reset();
  EXPECT_NE(Open(), nullptr);
}

TEST_F(SqliteStoreTest, RefusesANewerSchemaAndLeavesItAlone) {
  Open();
  {
    auto connection = *Connection::Open({.path = options_.path});
    ASSERT_TRUE(
        connection->Execute(absl::StrCat("PRAGMA user_version = ", SchemaVersion() + 1)).ok());
  }
  absl::Status status = OpenSqliteStore(options_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat("schema version ", SchemaVersion() + 1,
                                     ", this program knows versions up to ", SchemaVersion())));
  EXPECT_THAT(std::string(status.message()), HasSubstr("start a newer program"));
  auto connection = *Connection::Open({.path = options_.path});
  EXPECT_EQ(*connection->QueryInt64("PRAGMA user_version"), SchemaVersion() + 1);
}

TEST_F(SqliteStoreTest, RefusesFilesOfOthers) {
  {
    auto connection = *Connection::Open({.path = options_.path});
    ASSERT_TRUE(connection->Execute("CREATE TABLE theirs (x)").ok());
  }
  EXPECT_EQ(OpenSqliteStore(options_).status().code(), absl::StatusCode::kFailedPrecondition);
  std::ofstream(options_.path) << std::string(5000, 'x');
  EXPECT_EQ(OpenSqliteStore(options_).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SqliteStoreTest, KeepsTheNewestEvents) {
  options_.events_max = 3;
  auto store = Open();
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    ASSERT_TRUE(store->Commit({.events = {{.name = name}}}).ok());
  }
  absl::StatusOr<std::vector<Row>> rows = store->ReadEvents(0, 10);
  ASSERT_THAT(*rows, SizeIs(3));
  EXPECT_EQ(rows->front().event.name, "c");
  EXPECT_EQ(rows->back().sequence, 5);
}

TEST_F(SqliteStoreTest, APageOfLargeRecordsIsShort) {
  options_.sync = false;
  auto store = Open();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store->Commit(PutJob(i, 3 << 20)).ok());
  ListQuery query{.kind = kCustomJobs, .parent = "p"};
  absl::StatusOr<Page> page = store->List(query);
  EXPECT_THAT(page->records, SizeIs(3));
  query.page_token = page->next_page_token;
  page = store->List(query);
  EXPECT_THAT(page->records, SizeIs(2));
  EXPECT_EQ(page->next_page_token, "");
}

TEST_F(SqliteStoreTest, AScanThatNoIndexServesIsBounded) {
  options_.sync = false;
  auto store = Open();
  Transaction all;
  for (int i = 0; i < 20'001; ++i) all.writes.push_back(PutJob(i, 1).writes[0]);
  ASSERT_TRUE(store->Commit(all).ok());
  ListQuery query{
      .kind = kCustomJobs, .parent = "p", .filter = *model::ParseFilter("display_name:\"job 0*\"")};
  absl::StatusOr<Page> page = store->List(query);
  EXPECT_THAT(page->records, SizeIs(0));
  ASSERT_NE(page->next_page_token, "");
  query.page_token = page->next_page_token;
  page = store->List(query);
  EXPECT_THAT(page->records, SizeIs(1));
  EXPECT_EQ(page->next_page_token, "");
}

TEST_F(SqliteStoreTest, TheLogIsPreparedAndFolded) {
  auto store = Open();
  EXPECT_EQ(LogBytes(), options_.log_bytes);
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(store->Commit(PutJob(i, 50'000)).ok());
  // Written are some 15 MB.
  EXPECT_LT(LogBytes(), 6 * options_.log_bytes);
  store.reset();
  EXPECT_GE(LogBytes(), options_.log_bytes);
  ExpectSound(options_.path);
  store = Open();
  EXPECT_EQ(store->revision(), 200);
  EXPECT_THAT(*store->ListLive(kCustomJobs), SizeIs(200));
}

TEST_F(SqliteStoreTest, TheLogIsFoldedUnderConstantReading) {
  auto store = Open();
  ASSERT_TRUE(store->Commit(PutJob(0)).ok());
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        ASSERT_TRUE(store->List({.kind = kCustomJobs, .parent = "p", .page_size = 1000}).ok());
      }
    });
  }
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(store->Commit(PutJob(i, 50'000)).ok());
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_LT(LogBytes(), 10 * options_.log_bytes);
}

TEST_F(SqliteStoreTest, WhatWasAcknowledgedSurvivesSigkill) {
  int acknowledged = 0;
  for (int round = 0; round < 5; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    pid_t child = fork();
    if (child == 0) {
      close(pipe_ends[0]);
      auto store = Open();
      for (int number = acknowledged; store != nullptr; ++number) {
        if (!store->Commit(PutJob(number, 3000)).ok()) _exit(1);
        if (write(pipe_ends[1], &number, sizeof(number)) != sizeof(number)) _exit(1);
      }
      _exit(1);
    }
    ASSERT_GT(child, 0);
    close(pipe_ends[1]);
    int number = 0;
    int wanted = 10 + 20 * round;
    while (wanted-- > 0 && read(pipe_ends[0], &number, sizeof(number)) == sizeof(number)) {
    }
    kill(child, SIGKILL);
    while (read(pipe_ends[0], &number, sizeof(number)) == sizeof(number)) {
    }
    close(pipe_ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child failed by itself";
    auto store = Open();
    ASSERT_NE(store, nullptr);
    for (int i = 0; i <= number; ++i) {
      EXPECT_TRUE(store->Get(kCustomJobs, absl::StrCat("jobs/", i)).ok()) << i;
    }
    acknowledged = static_cast<int>(store->revision());
    EXPECT_GE(acknowledged, number + 1);
  }
  ExpectSound(options_.path);
}

class FaultyDiskTest : public SqliteStoreTest {
 protected:
  FaultyDiskTest() : vfs_("faulty") {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    options_.vfs = vfs_.name();
  }
  // Answers `code` to `operation` on the log.
  void FailOnLog(std::string operation, int code) {
    vfs_.SetFault([=](absl::string_view asked, const std::string& path) {
      return asked == operation && absl::EndsWith(path, "-wal") ? code : SQLITE_OK;
    });
  }

  FaultVfs vfs_;
};

TEST_F(FaultyDiskTest, ACommitIsSyncedBeforeItReturns) {
  auto store = Open();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(store->Commit(PutJob(i)).ok());
    EXPECT_FALSE(vfs_.HasUnsynced(options_.path + "-wal"));
  }
}

TEST_F(FaultyDiskTest, WhatWasAcknowledgedSurvivesPowerLoss) {
  options_.log_bytes = 64 << 10;  // folded every few commits
  base::SeededRandom random(20'260'101);
  auto store = Open();
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(store->Commit(PutJob(i, 2000)).ok());
    if (random.Below(15) != 0) continue;
    const std::string after = absl::StrCat(directory_, "/after", i);
    std::filesystem::create_directory(after);
    vfs_.SaveAfterPowerLoss(after, random);
    SqliteOptions options = options_;
    options.path = after + "/trainyard.db";
    options.vfs = "";
    auto recovered = Open(options);
    ASSERT_NE(recovered, nullptr);
    EXPECT_GE(recovered->revision(), i + 1);
    for (int j = 0; j <= i; ++j) {
      ASSERT_TRUE(recovered->Get(kCustomJobs, absl::StrCat("jobs/", j)).ok()) << j;
    }
    recovered.reset();
    ExpectSound(options.path);
    std::filesystem::remove_all(after);
  }
}

TEST_F(FaultyDiskTest, AFailedSyncEndsTheProcess) {
  EXPECT_DEATH(
      {
        auto store = Open();
        FailOnLog("sync", SQLITE_IOERR_FSYNC);
        (void)store->Commit(PutJob(1));
      },
      "what is on the disk is unknown");
  EXPECT_DEATH(
      {
        auto store = Open();
        FailOnLog("write", SQLITE_IOERR_WRITE);
        (void)store->Commit(PutJob(1));
      },
      "the process ends here");
}

TEST_F(FaultyDiskTest, AFailedReadIsAnError) {
  auto store = Open();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(store->Commit(PutJob(i, 4000)).ok());
  FailOnLog("read", SQLITE_IOERR_READ);
  EXPECT_EQ(store->Get(kCustomJobs, "jobs/7").status().code(), absl::StatusCode::kInternal);
  vfs_.SetFault(nullptr);
  EXPECT_TRUE(store->Get(kCustomJobs, "jobs/7").ok());
}

TEST_F(FaultyDiskTest, AFullDiskRefusesTheCommitWholly) {
  auto store = Open();
  ASSERT_TRUE(store->CheckSpace().ok());
  ASSERT_TRUE(std::filesystem::exists(options_.path + ".reserve"));
  FailOnLog("write", SQLITE_FULL);
  absl::Status status = store->Commit(PutJob(1)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_FALSE(std::filesystem::exists(options_.path + ".reserve"));
  EXPECT_EQ(store->CheckSpace().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store->Get(kCustomJobs, "jobs/1").status().code(), absl::StatusCode::kNotFound);
  vfs_.SetFault(nullptr);
  EXPECT_EQ(*store->Commit(PutJob(1)), 1);
  EXPECT_TRUE(store->Get(kCustomJobs, "jobs/1").ok());
}

TEST_F(FaultyDiskTest, TheReserveSavesTheCommit) {
  auto store = Open();
  vfs_.SetFault([this](absl::string_view asked, const std::string&) {
    return asked == "write" && std::filesystem::exists(options_.path + ".reserve") ? SQLITE_FULL
                                                                                   : SQLITE_OK;
  });
  EXPECT_EQ(*store->Commit(PutJob(1)), 1);
}

// A file system of its own that is too small.
class FullDiskTest : public SqliteStoreTest {
 protected:
  void SetUp() override {
    if (mount("store_test", directory_.c_str(), "tmpfs", 0, "size=16m") != 0) {
      GTEST_SKIP() << "cannot mount a small tmpfs: " << strerror(errno);
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) umount2(directory_.c_str(), MNT_DETACH);
  }
  void Fill() {
    std::ofstream filler(directory_ + "/filler");
    const std::string chunk(4096, 'x');
    while (filler << chunk << std::flush) {
    }
  }

  bool mounted_ = false;
};

TEST_F(FullDiskTest, RefusesNewWorkFirstThenCommitsAndLosesNothing) {
  options_.free_bytes_min = 4 << 20;
  auto store = Open();
  EXPECT_TRUE(store->CheckSpace().ok()) << store->CheckSpace();
  Fill();
  EXPECT_EQ(store->CheckSpace().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(store->CheckSpace().message()), HasSubstr("0 MiB free"));

  absl::Status status;
  int committed = 0;
  while (status.ok() && committed < 10'000) {
    status = store->Commit(PutJob(committed, 2000)).status();
    if (status.ok()) ++committed;
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  // The log's own space and the reserve carried it for a while.
  EXPECT_GT(committed, 10);
  EXPECT_TRUE(store->Get(kCustomJobs, "jobs/0").ok());

  store.reset();
  store = Open();  // a restart on the full disk
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(store->revision(), committed);
  std::filesystem::remove(directory_ + "/filler");
  EXPECT_TRUE(store->Commit(PutJob(committed)).ok());
  for (int i = 0; i <= committed; ++i) {
    ASSERT_TRUE(store->Get(kCustomJobs, absl::StrCat("jobs/", i)).ok()) << i;
  }
  store.reset();
  ExpectSound(options_.path);
}

}  // namespace
}  // namespace trainyard::store
