// The store of one server: SQLite, with faults before and after, and the checkers told of each
// commit that is on the disk.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/bug.h"
#include "sim/checker.h"
#include "store/faulty_store.h"
#include "store/store.h"

namespace trainyard::sim {

class WatchedStore : public store::Store {
 public:
  WatchedStore(store::Store& store, std::function<store::CommitFault()> choose_fault,
               std::function<absl::Status()> choose_read_fault,
               std::vector<std::unique_ptr<Checker>>& checkers, Bug bug);

  absl::StatusOr<int64_t> Commit(const store::Transaction& transaction) override;
  absl::StatusOr<store::Record> Get(const std::string& kind, const std::string& name) override {
    return faulty_.Get(kind, name);
  }
  absl::StatusOr<store::Page> List(const store::ListQuery& query) override {
    return faulty_.List(query);
  }
  absl::StatusOr<std::vector<store::Record>> ListLive(const std::string& kind) override {
    return faulty_.ListLive(kind);
  }
  absl::StatusOr<std::vector<store::Row>> ReadEvents(int64_t sequence, int count) override {
    return faulty_.ReadEvents(sequence, count);
  }
  int64_t revision() const override { return faulty_.revision(); }

 private:
  store::Transaction WithBug(store::Transaction transaction);

  std::vector<std::unique_ptr<Checker>>& checkers_;
  const Bug bug_;
  int commits_ = 0;
  store::CommitFault fault_;  // of the commit at hand
  store::FaultyStore faulty_;
};

}  // namespace trainyard::sim
