// A store in memory for tests: it survives the engine, and fails when told to.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "store/store.h"

namespace trainyard::control {

// Threads: one.
class FakeStore : public store::Store {
 public:
  absl::StatusOr<int64_t> Commit(const store::Transaction& transaction) override {
    if (failures > 0) {
      --failures;
      return absl::ResourceExhaustedError("the disk is full");
    }
    for (const store::Write& write : transaction.writes) {
      Key key{write.record.kind, write.record.name};
      if (write.kind == store::Write::Kind::kDelete) {
        records.erase(key);
      } else {
        records[key] = write.record;
      }
    }
    events.insert(events.end(), transaction.events.begin(), transaction.events.end());
    return ++revision_;
  }

  absl::StatusOr<store::Record> Get(const std::string& kind, const std::string& name) override {
    auto record = records.find({kind, name});
    if (record == records.end()) return absl::NotFoundError(absl::StrCat(name, " is not here"));
    return record->second;
  }

  absl::StatusOr<store::Page> List(const store::ListQuery&) override {
    return absl::UnimplementedError("no lists");
  }

  absl::StatusOr<std::vector<store::Record>> ListLive(const std::string& kind) override {
    std::vector<store::Record> live;
    for (const auto& [key, record] : records) {
      if (key.first == kind && record.live) live.push_back(record);
    }
    std::stable_sort(live.begin(), live.end(), [](const auto& left, const auto& right) {
      return left.create_time < right.create_time;
    });
    return live;
  }

  absl::StatusOr<std::vector<store::Row>> ReadEvents(int64_t sequence, int count) override {
    std::vector<store::Row> rows;
    for (size_t i = static_cast<size_t>(sequence);
         i < events.size() && rows.size() < static_cast<size_t>(count); ++i) {
      rows.push_back({static_cast<int64_t>(i) + 1, events[i]});
    }
    return rows;
  }

  int64_t revision() const override { return revision_; }

  using Key = std::pair<std::string, std::string>;  // kind, name
  std::map<Key, store::Record> records;
  std::vector<store::Event> events;
  int failures = 0;  // so many of the next commits fail

 private:
  int64_t revision_ = 0;
};

}  // namespace trainyard::control
