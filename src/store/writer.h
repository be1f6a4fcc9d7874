// The one writer.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/sqlite_connection.h"
#include "store/store.h"

namespace trainyard::store {

// Threads: one at a time.
class Writer {
 public:
  static absl::StatusOr<std::unique_ptr<Writer>> Create(std::unique_ptr<Connection> connection,
                                                        int64_t events_max);

  // As Store::Commit; a full disk is RESOURCE_EXHAUSTED at once.
  absl::StatusOr<int64_t> Commit(const Transaction& transaction);
  int64_t revision() const { return revision_; }
  // Of SQLite's log, after the last commit.
  uint64_t log_bytes() const { return log_bytes_; }

 private:
  struct Existing;

  Writer(std::unique_ptr<Connection> connection, int64_t events_max);

  absl::Status Apply(const Transaction& transaction, int64_t revision);
  absl::Status Finish();
  absl::Status Put(const Record& record, int64_t revision);
  absl::Status Delete(const Record& record);
  absl::Status Append(const Event& event);
  absl::StatusOr<int64_t> Insert(const Record& record, int64_t kind, int64_t scope,
                                 const std::string& labels, int64_t revision);
  absl::Status Update(const Record& record, const Existing& old, int64_t revision);
  absl::Status Rewrite(const Record& record, const Existing& old, int64_t scope,
                       const std::string& labels, int64_t revision);
  absl::StatusOr<Existing> Find(int64_t kind, const std::string& name);
  absl::Status InsertLabels(const Record& record, int64_t scope, int64_t id);
  absl::Status DeleteLabels(const Existing& old);
  absl::StatusOr<int64_t> Intern(const std::string& kind, const std::string& parent);

  const std::unique_ptr<Connection> connection_;
  const int64_t events_max_;
  int64_t revision_ = 0;
  uint64_t log_bytes_ = 0;
  std::map<std::pair<std::string, std::string>, int64_t> scopes_;
  bool scopes_changed_ = false;  // by the transaction that is open
};

}  // namespace trainyard::store
