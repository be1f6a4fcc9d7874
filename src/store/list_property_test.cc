// Any filter over any records, paged in any way, lists what trying each record would.
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "gtest/gtest.h"
#include "store/store.h"

namespace trainyard::store {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);
constexpr const char* kStates[] = {"JOB_STATE_QUEUED", "JOB_STATE_RUNNING", "JOB_STATE_FAILED", ""};
constexpr const char* kKeys[] = {"team", "tier", "a.b/c"};

class ListPropertyTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  ListPropertyTest() : random_(GetParam()) {
    char name[] = "/tmp/list_property_test.XXXXXX";
    directory_ = mkdtemp(name);
    store_ = *OpenSqliteStore({.path = directory_ + "/trainyard.db",
                               .token_key = std::string(32, 'k'),
                               .sync = false,
                               .log_bytes = 0});
  }
  ~ListPropertyTest() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  uint64_t Below(uint64_t bound) { return random_.Below(bound); }
  std::string Time() {
    absl::Time time = kStart + absl::Milliseconds(500) * Below(20);
    return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone());
  }

  Record RandomRecord() {
    Record record{.kind = kCustomJobs,
                  .parent = absl::StrCat("p", Below(2)),
                  .state = kStates[Below(4)],
                  .live = Below(2) == 0,
                  .display_name = absl::StrCat("name", Below(4)),
                  .create_time = kStart + absl::Milliseconds(500) * Below(20),
                  .value = absl::StrCat(Below(10))};
    record.name = absl::StrCat("jobs/", Below(120));
    for (const char* key : kKeys) {
      if (Below(2) == 0) record.labels[key] = absl::StrCat("v", Below(3));
    }
    return record;
  }

  void Mutate(int steps) {
    Transaction transaction;
    for (int i = 0; i < steps; ++i) {
      Record record = RandomRecord();
      if (Below(4) == 0) {
        transaction.writes.push_back({Write::Kind::kDelete, record});
        records_.erase(record.name);
        continue;
      }
      transaction.writes.push_back({Write::Kind::kPut, record});
      auto [entry, is_new] = records_.try_emplace(record.name);
      if (is_new) entry->second.order = ++order_;
      entry->second.record = record;
    }
    ASSERT_TRUE(store_->Commit(transaction).ok());
  }

  std::string Comparison() {
    const char* orders[] = {"=", "!=", "<", "<=", ">", ">="};
    switch (Below(8)) {
      case 0:
      case 1:
        return absl::StrCat("state", Below(3) == 0 ? "!=" : "=", "\"", kStates[Below(4)], "\"");
      case 2:
        return absl::StrCat("display_name=name", Below(5));
      case 3:
        return absl::StrCat("display_name:\"n*", Below(5), "\"");
      case 4:
        return absl::StrCat("create_time", orders[Below(6)], "\"", Time(), "\"");
      case 5:
        return absl::StrCat("labels.\"", kKeys[Below(3)], "\":*");
      case 6:
        return absl::StrCat("size", orders[Below(6)], Below(10));
      default:
        return absl::StrCat("labels.\"", kKeys[Below(3)], "\"", Below(4) == 0 ? "!=" : "=", "v",
                            Below(4));
    }
  }

  std::string Expression(int depth) {
    if (depth == 0 || Below(3) == 0) return Comparison();
    std::string text = absl::StrCat("(", Expression(depth - 1), ")");
    const char* joint = Below(2) == 0 ? " AND " : " OR ";
    for (uint64_t more = Below(3); more > 0; --more) {
      absl::StrAppend(&text, joint, Below(5) == 0 ? "NOT " : "", "(", Expression(depth - 1), ")");
    }
    return text;
  }

  static std::optional<model::FilterValue> FieldOf(const Record& record, const std::string& path) {
    if (path == "state") {
      if (record.state.empty()) return std::nullopt;
      return record.state;
    }
    if (path == "display_name") return record.display_name;
    if (path == "create_time") return record.create_time;
    if (path == "size") return static_cast<double>(record.value[0] - '0');
    auto label = record.labels.find(path.substr(std::string("labels.").size()));
    if (label == record.labels.end()) return std::nullopt;
    return label->second;
  }

  std::vector<std::string> BruteForce(const ListQuery& query) {
    std::vector<const Ordered*> found;
    for (const auto& [name, entry] : records_) {
      if (!query.parent.empty() && entry.record.parent != query.parent) continue;
      auto fields = [&record = entry.record](const std::string& path) {
        return FieldOf(record, path);
      };
      if (model::Matches(query.filter, fields)) found.push_back(&entry);
    }
    std::sort(found.begin(), found.end(), [](const Ordered* a, const Ordered* b) {
      return std::pair(a->record.create_time, a->order) >
             std::pair(b->record.create_time, b->order);
    });
    std::vector<std::string> names;
    for (const Ordered* entry : found) names.push_back(entry->record.name);
    return names;
  }

  struct Ordered {
    Record record;
    int order = 0;  // of the first put
  };

  std::string directory_;
  base::SeededRandom random_;
  std::unique_ptr<Store> store_;
  std::map<std::string, Ordered> records_;
  int order_ = 0;
};

TEST_P(ListPropertyTest, AgreesWithBruteForce) {
  for (int round = 0; round < 150; ++round) {
    Mutate(static_cast<int>(Below(12)));
    const std::string text = Below(10) == 0 ? "" : Expression(3);
    absl::StatusOr<model::Filter> filter = model::ParseFilter(text);
    ASSERT_TRUE(filter.ok()) << text << ": " << filter.status();
    ListQuery query{.kind = kCustomJobs,
                    .parent = Below(4) == 0 ? "" : absl::StrCat("p", Below(2)),
                    .filter = *filter,
                    .filter_text = text,
                    .fields = FieldOf};
    std::vector<std::string> names;
    do {
      query.page_size = static_cast<int>(1 + Below(30));
      absl::StatusOr<Page> page = store_->List(query);
      ASSERT_TRUE(page.ok()) << text << ": " << page.status();
      for (const Record& record : page->records) names.push_back(record.name);
      query.page_token = page->next_page_token;
    } while (!query.page_token.empty());
    EXPECT_EQ(names, BruteForce(query)) << text << " of " << query.parent;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ListPropertyTest, ::testing::Range<uint64_t>(1, 7));

}  // namespace
}  // namespace trainyard::store
