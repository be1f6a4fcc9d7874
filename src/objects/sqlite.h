// SQLite with owned handles and statuses.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trainyard::objects {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

absl::StatusOr<Database> OpenDatabase(const std::string& path);
absl::Status Execute(sqlite3* database, const char* statements);

// A prepared statement. Bind in order, then Step; columns are read in order as well. Threads: one.
class Query {
 public:
  static absl::StatusOr<Query> Prepare(sqlite3* database, const std::string& text);

  Query& Bind(int64_t value);
  Query& Bind(absl::string_view text);  // text, or bytes: kept as they are
  Query& BindNull();
  // True when there is a row.
  absl::StatusOr<bool> Step();
  // Runs a statement without rows.
  absl::Status Run();

  bool NextIsNull() const;
  int64_t NextInt();
  std::string NextText();

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  explicit Query(sqlite3_stmt* statement) : statement_(statement) {}
  absl::Status Fault() const;

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int parameter_ = 0;
  int column_ = 0;
};

}  // namespace trainyard::objects
