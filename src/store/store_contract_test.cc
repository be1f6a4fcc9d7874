// What holds for every Store.
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/store.h"

namespace trainyard::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kParent[] = "projects/p/locations/l";
const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

Record Job(int number, std::string state = "JOB_STATE_QUEUED") {
  Record record{.kind = kCustomJobs,
                .name = absl::StrCat(kParent, "/customJobs/", number),
                .parent = kParent,
                .state = std::move(state),
                .live = true,
                .display_name = absl::StrCat("job ", number),
                .create_time = kStart + absl::Seconds(number),
                .value = absl::StrCat("value ", number)};
  return record;
}

class StoreContractTest : public ::testing::Test {
 protected:
  StoreContractTest() {
    char name[] = "/tmp/store_contract_test.XXXXXX";
    directory_ = mkdtemp(name);
    Open();
  }
  ~StoreContractTest() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Open() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<Store>> store =
        OpenSqliteStore({.path = directory_ + "/trainyard.db",
                         .token_key = std::string(32, 'k'),
                         .sync = false,
                         .log_bytes = 0});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  int64_t Put(std::vector<Record> records) {
    Transaction transaction;
    for (Record& record : records) {
      transaction.writes.push_back({Write::Kind::kPut, std::move(record)});
    }
    absl::StatusOr<int64_t> revision = store_->Commit(transaction);
    EXPECT_TRUE(revision.ok()) << revision.status();
    return revision.value_or(0);
  }

  void Delete(const std::string& name) {
    Record record{.kind = kCustomJobs, .name = name};
    ASSERT_TRUE(store_->Commit({.writes = {{Write::Kind::kDelete, record}}}).ok());
  }

  ListQuery Query(const std::string& filter = "", int page_size = 0) {
    absl::StatusOr<model::Filter> parsed = model::ParseFilter(filter);
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    return {.kind = kCustomJobs,
            .parent = kParent,
            .filter = *parsed,
            .page_size = page_size,
            .filter_text = filter};
  }

  // Display names of all pages.
  std::vector<std::string> ListAll(ListQuery query) {
    std::vector<std::string> names;
    do {
      absl::StatusOr<Page> page = store_->List(query);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const Record& record : page->records) names.push_back(record.display_name);
      query.page_token = page->next_page_token;
    } while (!query.page_token.empty());
    return names;
  }

  std::string directory_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreContractTest, KeepsEveryFieldOfARecord) {
  Record record = Job(1);
  record.labels = {{"a", "1"}, {"b", ""}, {"compute/x", "\xc3\xa9"}};
  record.value = std::string("\0binary\xff", 8);
  record.create_time = kStart + absl::Microseconds(123'457);
  int64_t revision = Put({record});
  Open();
  absl::StatusOr<Record> stored = store_->Get(kCustomJobs, record.name);
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->kind, record.kind);
  EXPECT_EQ(stored->name, record.name);
  EXPECT_EQ(stored->parent, record.parent);
  EXPECT_EQ(stored->state, record.state);
  EXPECT_EQ(stored->live, record.live);
  EXPECT_EQ(stored->display_name, record.display_name);
  EXPECT_EQ(stored->labels, record.labels);
  EXPECT_EQ(stored->create_time, record.create_time);
  EXPECT_EQ(stored->value, record.value);
  EXPECT_EQ(stored->revision, revision);
}

TEST_F(StoreContractTest, RevisionsCountTransactions) {
  EXPECT_EQ(store_->revision(), 0);
  EXPECT_EQ(Put({Job(1), Job(2)}), 1);
  EXPECT_EQ(Put({}), 2);
  EXPECT_EQ(Put({Job(1)}), 3);
  EXPECT_EQ(store_->revision(), 3);
  EXPECT_EQ(store_->Get(kCustomJobs, Job(1).name)->revision, 3);
  EXPECT_EQ(store_->Get(kCustomJobs, Job(2).name)->revision, 1);
  Open();
  EXPECT_EQ(store_->revision(), 3);
  EXPECT_EQ(Put({Job(3)}), 4);
}

TEST_F(StoreContractTest, GetSaysWhatIsNotThere) {
  Put({Job(1)});
  EXPECT_EQ(store_->Get(kCustomJobs, "no").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->Get(kOperations, Job(1).name).status().code(), absl::StatusCode::kNotFound);
  Delete(Job(1).name);
  Delete("was never there");
  EXPECT_EQ(store_->Get(kCustomJobs, Job(1).name).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(StoreContractTest, ListsNewestFirst) {
  Put({Job(2), Job(1)});
  Put({Job(3)});
  Record tie = Job(4);
  tie.create_time = Job(3).create_time;
  Put({tie});
  Put({Job(1)});  // written again: keeps its place
  EXPECT_THAT(ListAll(Query()), ElementsAre("job 4", "job 3", "job 2", "job 1"));
  EXPECT_THAT(ListAll(Query("", 1)), ElementsAre("job 4", "job 3", "job 2", "job 1"));
}

TEST_F(StoreContractTest, ListsByKindAndParent) {
  Record other = Job(2), operation = Job(3), bare = Job(4);
  other.parent = "projects/q/locations/l";
  other.name = other.parent + "/customJobs/2";
  operation.kind = kOperations;
  bare.parent = "";
  Put({Job(1), other, operation, bare});
  ListQuery query = Query();
  EXPECT_THAT(ListAll(query), ElementsAre("job 1"));
  query.parent = "";
  EXPECT_THAT(ListAll(query), ElementsAre("job 4", "job 2", "job 1"));
  absl::StatusOr<Page> page = store_->List(query);
  EXPECT_EQ(page->records[1].parent, "projects/q/locations/l");
  query.parent = "projects/none";
  EXPECT_THAT(ListAll(query), IsEmpty());
  query.kind = "none";
  query.parent = "";
  EXPECT_THAT(ListAll(query), IsEmpty());
}

TEST_F(StoreContractTest, PageSizes) {
  std::vector<Record> records;
  for (int i = 0; i < 1100; ++i) records.push_back(Job(i));
  Put(records);
  struct Case {
    int page_size;
    size_t expected;
  };
  for (const Case& c :
       {Case{0, 100}, Case{-1, 100}, Case{1, 1}, Case{1000, 1000}, Case{5000, 1000}}) {
    EXPECT_THAT(store_->List(Query("", c.page_size))->records, SizeIs(c.expected));
  }
  EXPECT_THAT(ListAll(Query("", 1000)), SizeIs(1100));
  // A page that ends with the list has no token.
  EXPECT_EQ(store_->List(Query("display_name=\"job 7\"", 1))->next_page_token, "");
}

TEST_F(StoreContractTest, FiltersOnColumns) {
  Record a = Job(1, "JOB_STATE_FAILED"), b = Job(2, "JOB_STATE_SUCCEEDED"), c = Job(3, "");
  a.labels = {{"team", "x"}, {"a.b/c", "y"}};
  b.labels = {{"team", "z"}};
  Put({a, b, c});
  struct Case {
    const char* filter;
    std::vector<std::string> expected;
  };
  const Case cases[] = {
      {"", {"job 3", "job 2", "job 1"}},
      {"state=JOB_STATE_FAILED", {"job 1"}},
      {"state=JOB_STATE_FAILED OR state=JOB_STATE_SUCCEEDED", {"job 2", "job 1"}},
      {"state!=JOB_STATE_FAILED", {"job 2"}},
      {"NOT state=JOB_STATE_FAILED", {"job 3", "job 2"}},
      {"display_name=\"job 2\"", {"job 2"}},
      {"display_name:\"job*\" AND state:*", {"job 2", "job 1"}},
      {"labels.team=x", {"job 1"}},
      {"labels.team:*", {"job 2", "job 1"}},
      {"labels:*", {"job 2", "job 1"}},
      {"labels.team=x OR labels.team=z OR labels.team=x", {"job 2", "job 1"}},
      {"labels.\"a.b/c\"=y AND labels.team=x AND state=JOB_STATE_FAILED", {"job 1"}},
      {"labels.team=x AND state=JOB_STATE_SUCCEEDED", {}},
      {"create_time>\"2027-01-15T08:00:01Z\"", {"job 3", "job 2"}},
      {"create_time>=\"2027-01-15T08:00:02Z\" create_time<\"2027-01-15T08:00:03Z\"", {"job 2"}},
      {"create_time=\"2027-01-15T08:00:02Z\"", {"job 2"}},
      {"create_time=\"2027-01-15T08:00:02.0000001Z\"", {}},
      {"create_time>\"2027-01-15T08:00:02.9999999Z\"", {"job 3"}},
      {"create_time<\"2020-01-01T00:00:00Z\"", {}},
      {"name=\"projects/p/locations/l/customJobs/2\"", {"job 2"}},
      {"unknown=1", {}},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(ListAll(Query(test.filter)), test.expected) << test.filter;
    EXPECT_EQ(ListAll(Query(test.filter, 1)), test.expected) << test.filter << ", one by one";
    ListQuery everywhere = Query(test.filter);
    everywhere.parent = "";
    EXPECT_EQ(ListAll(everywhere), test.expected) << test.filter << ", all parents";
  }
}

TEST_F(StoreContractTest, FiltersOnOtherFieldsByAFunction) {
  Put({Job(1), Job(2), Job(3)});
  ListQuery query = Query("size>1 AND display_name:job");
  query.fields = [](const Record& record,
                    const std::string& path) -> std::optional<model::FilterValue> {
    EXPECT_EQ(path, "size");
    return static_cast<double>(record.value.back() - '0');
  };
  EXPECT_THAT(ListAll(query), ElementsAre("job 3", "job 2"));
}

TEST_F(StoreContractTest, FollowsChangesOfEveryColumn) {
  Record record = Job(1);
  record.labels = {{"team", "x"}, {"gone", "x"}};
  Put({record});
  record.state = "JOB_STATE_SUCCEEDED";
  record.live = false;
  Put({record});
  EXPECT_THAT(ListAll(Query("state=JOB_STATE_QUEUED")), IsEmpty());
  EXPECT_THAT(ListAll(Query("state=JOB_STATE_SUCCEEDED")), SizeIs(1));
  EXPECT_THAT(*store_->ListLive(kCustomJobs), IsEmpty());
  record.display_name = "renamed";
  record.labels = {{"team", "y"}};
  record.create_time += absl::Hours(1);
  record.parent = "projects/moved";
  Put({record});
  EXPECT_THAT(ListAll(Query()), IsEmpty());
  ListQuery moved = Query("labels.team=y");
  moved.parent = "projects/moved";
  EXPECT_THAT(ListAll(moved), ElementsAre("renamed"));
  for (const char* filter : {"labels.team=x", "labels.gone:*"}) {
    moved.filter = *model::ParseFilter(filter);
    EXPECT_THAT(ListAll(moved), IsEmpty()) << filter;
  }
  Delete(record.name);
  moved.filter = *model::ParseFilter("labels.team:*");
  EXPECT_THAT(ListAll(moved), IsEmpty());
}

TEST_F(StoreContractTest, ListLiveIsOldestFirst) {
  Record ended = Job(2, "JOB_STATE_SUCCEEDED"), other = Job(9);
  ended.live = false;
  other.kind = kOperations;
  Put({Job(3), Job(1), ended, other});
  std::vector<std::string> names;
  absl::StatusOr<std::vector<Record>> live = store_->ListLive(kCustomJobs);
  ASSERT_TRUE(live.ok()) << live.status();
  for (const Record& record : *live) names.push_back(record.display_name);
  EXPECT_THAT(names, ElementsAre("job 1", "job 3"));
  EXPECT_EQ((*live)[0].parent, kParent);
  EXPECT_THAT(*store_->ListLive("none"), IsEmpty());
}

TEST_F(StoreContractTest, KeepsEventsInOrder) {
  for (int i = 0; i < 5; ++i) {
    Transaction transaction;
    for (const char* part : {"a", "b"}) {
      transaction.events.push_back({absl::StrCat(i, part), kStart + absl::Seconds(i), part});
    }
    ASSERT_TRUE(store_->Commit(transaction).ok());
  }
  std::vector<std::string> names;
  int64_t sequence = 0;
  while (true) {
    absl::StatusOr<std::vector<Row>> rows = store_->ReadEvents(sequence, 3);
    ASSERT_TRUE(rows.ok()) << rows.status();
    if (rows->empty()) break;
    EXPECT_LE(rows->size(), 3u);
    for (const Row& row : *rows) {
      EXPECT_GT(row.sequence, sequence);
      sequence = row.sequence;
      names.push_back(row.event.name);
    }
  }
  EXPECT_THAT(names, ElementsAre("0a", "0b", "1a", "1b", "2a", "2b", "3a", "3b", "4a", "4b"));
  EXPECT_EQ(store_->ReadEvents(1, 1)->front().event.time, kStart);
  EXPECT_THAT(*store_->ReadEvents(0, 0), IsEmpty());
}

TEST_F(StoreContractTest, RefusesForeignTokens) {
  Put({Job(1), Job(2), Job(3)});
  absl::StatusOr<Page> page = store_->List(Query("state=JOB_STATE_QUEUED", 1));
  ASSERT_TRUE(page.ok());
  const std::string token = page->next_page_token;
  ASSERT_FALSE(token.empty());
  auto code = [&](ListQuery query, std::string used) {
    query.page_token = std::move(used);
    return store_->List(query).status().code();
  };
  EXPECT_EQ(code(Query("state=JOB_STATE_QUEUED", 2), token), absl::StatusCode::kOk);
  EXPECT_EQ(code(Query("", 1), token), absl::StatusCode::kInvalidArgument);
  ListQuery other = Query("state=JOB_STATE_QUEUED", 1);
  other.parent = "projects/q/locations/l";
  EXPECT_EQ(code(other, token), absl::StatusCode::kInvalidArgument);
  other = Query("state=JOB_STATE_QUEUED", 1);
  other.kind = kOperations;
  EXPECT_EQ(code(other, token), absl::StatusCode::kInvalidArgument);
  for (const std::string& forged :
       {std::string("x"), token + "A", token.substr(1), std::string(44, 'A'), std::string("%%%"),
        std::string(100'000, 'A')}) {
    EXPECT_EQ(code(Query("state=JOB_STATE_QUEUED", 1), forged), absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(StoreContractTest, TokensOutliveARestart) {
  Put({Job(1), Job(2)});
  ListQuery query = Query("", 1);
  query.page_token = store_->List(query)->next_page_token;
  Open();
  EXPECT_THAT(ListAll(query), ElementsAre("job 1"));
}

TEST_F(StoreContractTest, PagesStayRightWhileRecordsComeAndGo) {
  std::vector<Record> records;
  for (int i = 0; i < 20; ++i) records.push_back(Job(i * 10));
  for (Record& record : records) record.create_time = kStart;  // all at once: only ids tell
  Put(records);
  ListQuery query = Query("state=JOB_STATE_QUEUED", 5);
  std::vector<std::string> seen;
  int round = 0;
  do {
    absl::StatusOr<Page> page = store_->List(query);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const Record& record : page->records) seen.push_back(record.display_name);
    query.page_token = page->next_page_token;
    Put({Job(1000 + round)});                            // newer than the place
    Delete(page->records.back().name);                   // the very place
    Record left = Job(10 * round, "JOB_STATE_RUNNING");  // leaves the list, further on
    left.create_time = kStart;
    Put({left});
    ++round;
  } while (!query.page_token.empty());
  std::set<std::string> unique(seen.begin(), seen.end());
  EXPECT_EQ(unique.size(), seen.size()) << "a record was listed twice";
  for (int i = 4; i < 20; ++i) EXPECT_TRUE(unique.contains(absl::StrCat("job ", i * 10))) << i;
}

TEST_F(StoreContractTest, ReadersSeeWholeTransactionsWhileCommitsGoOn) {
  Put({Job(1), Job(2)});
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      int64_t last = 0;
      while (!done) {
        absl::StatusOr<Page> page = store_->List(Query());
        ASSERT_TRUE(page.ok()) << page.status();
        ASSERT_THAT(page->records, SizeIs(2));
        EXPECT_EQ(page->records[0].state, page->records[1].state);
        EXPECT_EQ(page->records[0].revision, page->records[1].revision);
        EXPECT_GE(page->records[0].revision, last);
        last = page->records[0].revision;
        EXPECT_LE(last, store_->revision() + 1);
      }
    });
  }
  for (int i = 0; i < 300; ++i) {
    std::string state = absl::StrCat("JOB_STATE_", i);
    Put({Job(1, state), Job(2, state)});
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

TEST_F(StoreContractTest, TheLastOfTwoWritesInOneTransactionWins) {
  Record first = Job(1), second = Job(1, "JOB_STATE_RUNNING");
  Record gone{.kind = kCustomJobs, .name = Job(2).name};
  ASSERT_TRUE(store_
                  ->Commit({.writes = {{Write::Kind::kPut, first},
                                       {Write::Kind::kPut, Job(2)},
                                       {Write::Kind::kPut, second},
                                       {Write::Kind::kDelete, gone}}})
                  .ok());
  EXPECT_EQ(store_->Get(kCustomJobs, first.name)->state, "JOB_STATE_RUNNING");
  EXPECT_THAT(ListAll(Query()), SizeIs(1));
}

}  // namespace
}  // namespace trainyard::store
