// A thin cover over SQLite: connections, prepared statements, errors.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct sqlite3;
struct sqlite3_stmt;

namespace trainyard::store {

class Connection;

// A prepared statement on loan from its connection, which gets it back, reset, from the destructor.
// What is bound as text or bytes is not copied: it outlives the loan.
class Statement {
 public:
  Statement(Connection& connection, std::string sql, sqlite3_stmt* statement);
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;

  // Parameters count from 1, columns from 0.
  Statement& Bind(int parameter, int64_t value);
  Statement& Bind(int parameter, absl::string_view text);
  Statement& BindBytes(int parameter, absl::string_view bytes);
  // True: there is a row. False: done; the statement is reset and may be bound and run again.
  absl::StatusOr<bool> Step();
  // Steps to the end.
  absl::Status Run();
  int64_t Int64(int column) const;
  // Valid until the next Step.
  absl::string_view Text(int column) const;

 private:
  Connection* connection_;
  std::string sql_;
  sqlite3_stmt* statement_;
};

struct ConnectionOptions {
  std::string path;
  std::string vfs;  // empty: the default
  bool read_only = false;
};

// One connection, with a cache of its prepared statements. Threads: one at a time.
class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ConnectionOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // `sql` is text of this program, never of a user.
  absl::StatusOr<Statement> Prepare(const std::string& sql);
  // Every statement of `script` in turn.
  absl::Status Execute(absl::string_view script);
  // The first column of the first row; NOT_FOUND when there is none.
  absl::StatusOr<int64_t> QueryInt64(const std::string& sql);
  // The status of SQLite's result code `code`. RESOURCE_EXHAUSTED when the disk is full, DATA_LOSS
  // when the file is damaged. Aborts the process when an fsync failed: what is on the disk is then
  // unknown, and SQLite could not find out.
  absl::Status Fault(int code, absl::string_view doing) const;
  bool in_transaction() const;
  sqlite3* handle() const { return handle_; }

 private:
  friend class Statement;
  Connection(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}

  const std::string path_;
  sqlite3* const handle_;
  std::map<std::string, std::vector<sqlite3_stmt*>> idle_;
};

}  // namespace trainyard::store
