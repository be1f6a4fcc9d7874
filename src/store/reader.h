// Reads of one connection.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "store/sqlite_connection.h"
#include "store/store.h"

namespace trainyard::store {

// Threads: one at a time.
class Reader {
 public:
  // `token_key` signs page tokens.
  Reader(std::unique_ptr<Connection> connection, std::string token_key)
      : connection_(std::move(connection)), token_key_(std::move(token_key)) {}

  absl::StatusOr<Record> Get(const std::string& kind, const std::string& name);
  absl::StatusOr<Page> List(const ListQuery& query);
  absl::StatusOr<std::vector<Record>> ListLive(const std::string& kind);
  absl::StatusOr<std::vector<Row>> ReadEvents(int64_t sequence, int count);

 private:
  // 0 when nothing was ever stored there.
  absl::StatusOr<int64_t> FindScope(const std::string& kind, const std::string& parent);
  absl::StatusOr<std::string> ParentOf(int64_t scope);
  absl::StatusOr<Page> ReadPage(const ListQuery& query, int64_t scope);

  const std::unique_ptr<Connection> connection_;
  const std::string token_key_;
  std::map<int64_t, std::string> parents_;  // of scopes; they never change
};

}  // namespace trainyard::store
