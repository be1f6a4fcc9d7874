// A store that fails when told to, for the simulator and tests.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "store/store.h"

namespace trainyard::store {

struct CommitFault {
  enum class When {
    kNever,
    kBefore,  // nothing is committed, and Commit returns `status`
    // Everything is committed, and Commit returns `status` nevertheless: what a process leaves that
    // died between the commit and its answer. The caller must count as dead.
    kAfter,
  };
  When when = When::kNever;
  absl::Status status;
};

// Passes everything on to `store`, which outlives it. Threads: as the store, if the callbacks may.
class FaultyStore : public Store {
 public:
  using ChooseCommitFault = std::function<CommitFault(const Transaction&)>;
  // `operation` is "get", "list", "list live", "read events" or "check space".
  using ChooseReadFault = std::function<absl::Status(absl::string_view operation)>;

  // Either may be null: no faults there.
  FaultyStore(Store& store, ChooseCommitFault commit, ChooseReadFault read = nullptr)
      : store_(store), commit_(std::move(commit)), read_(std::move(read)) {}

  absl::StatusOr<int64_t> Commit(const Transaction& transaction) override;
  absl::StatusOr<Record> Get(const std::string& kind, const std::string& name) override;
  absl::StatusOr<Page> List(const ListQuery& query) override;
  absl::StatusOr<std::vector<Record>> ListLive(const std::string& kind) override;
  absl::StatusOr<std::vector<Row>> ReadEvents(int64_t sequence, int count) override;
  int64_t revision() const override { return store_.revision(); }
  absl::Status CheckSpace() override;

 private:
  absl::Status ReadFault(absl::string_view operation) {
    return read_ == nullptr ? absl::OkStatus() : read_(operation);
  }

  Store& store_;
  const ChooseCommitFault commit_;
  const ChooseReadFault read_;
};

}  // namespace trainyard::store
