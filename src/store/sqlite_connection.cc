#include "store/sqlite_connection.h"

#include <sqlite3.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"

namespace trainyard::store {
namespace {

constexpr int kBusyTimeoutMs = 5000;

bool IsSyncFault(int code) { return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC; }

absl::StatusCode CodeOf(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::StatusCode::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

Statement::Statement(Connection& connection, std::string sql, sqlite3_stmt* statement)
    : connection_(&connection), sql_(std::move(sql)), statement_(statement) {}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      sql_(std::move(other.sql_)),
      statement_(std::exchange(other.statement_, nullptr)) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  connection_->idle_[sql_].push_back(statement_);
}

Statement& Statement::Bind(int parameter, int64_t value) {
  CHECK(sqlite3_bind_int64(statement_, parameter, value) == SQLITE_OK);
  return *this;
}

Statement& Statement::Bind(int parameter, absl::string_view text) {
  CHECK(sqlite3_bind_text64(statement_, parameter, text.empty() ? "" : text.data(), text.size(),
                            SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
  return *this;
}

Statement& Statement::BindBytes(int parameter, absl::string_view bytes) {
  CHECK(sqlite3_bind_blob64(statement_, parameter, bytes.empty() ? "" : bytes.data(), bytes.size(),
                            SQLITE_STATIC) == SQLITE_OK);
  return *this;
}

absl::StatusOr<bool> Statement::Step() {
  int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_);
    return false;
  }
  absl::Status fault = connection_->Fault(code, "run a statement");
  sqlite3_reset(statement_);
  return fault;
}

absl::Status Statement::Run() {
  while (true) {
    ASSIGN_OR_RETURN(bool row, Step());
    if (!row) return absl::OkStatus();
  }
}

int64_t Statement::Int64(int column) const { return sqlite3_column_int64(statement_, column); }

absl::string_view Statement::Text(int column) const {
  // The pointer first: asking for the size afterwards is what SQLite recommends.
  const void* data = sqlite3_column_blob(statement_, column);
  int size = sqlite3_column_bytes(statement_, column);
  return absl::string_view(static_cast<const char*>(data), static_cast<size_t>(size));
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const ConnectionOptions& options) {
  sqlite3* handle = nullptr;
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READWRITE;
  if (!options.read_only) flags |= SQLITE_OPEN_CREATE;
  int code = sqlite3_open_v2(options.path.c_str(), &handle, flags,
                             options.vfs.empty() ? nullptr : options.vfs.c_str());
  std::unique_ptr<Connection> connection(new Connection(options.path, handle));
  if (code != SQLITE_OK) return connection->Fault(code, "open");
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  // The log stays, at its size, when the last connection closes.
  int persist = 1;
  sqlite3_file_control(handle, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
  if (options.read_only) RETURN_IF_ERROR(connection->Execute("PRAGMA query_only = ON"));
  return connection;
}

Connection::~Connection() {
  for (auto& [sql, statements] : idle_) {
    for (sqlite3_stmt* statement : statements) sqlite3_finalize(statement);
  }
  CHECK(sqlite3_close(handle_) == SQLITE_OK);
}

absl::StatusOr<Statement> Connection::Prepare(const std::string& sql) {
  auto idle = idle_.find(sql);
  if (idle != idle_.end() && !idle->second.empty()) {
    sqlite3_stmt* statement = idle->second.back();
    idle->second.pop_back();
    return Statement(*this, sql, statement);
  }
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v3(handle_, sql.c_str(), static_cast<int>(sql.size()) + 1,
                                SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Fault(code, absl::StrCat("prepare ", sql));
  return Statement(*this, sql, statement);
}

absl::Status Connection::Execute(absl::string_view script) {
  while (!script.empty()) {
    sqlite3_stmt* statement = nullptr;
    const char* rest = nullptr;
    int code = sqlite3_prepare_v2(handle_, script.data(), static_cast<int>(script.size()),
                                  &statement, &rest);
    if (code != SQLITE_OK) return Fault(code, absl::StrCat("prepare ", script));
    script.remove_prefix(static_cast<size_t>(rest - script.data()));
    if (statement == nullptr) continue;  // white space at the end
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    }
    sqlite3_finalize(statement);
    if (code != SQLITE_DONE) return Fault(code, "run a script");
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Connection::QueryInt64(const std::string& sql) {
  ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  ASSIGN_OR_RETURN(bool row, statement.Step());
  if (!row) return absl::NotFoundError(absl::StrCat("no row: ", sql));
  return statement.Int64(0);
}

absl::Status Connection::Fault(int code, absl::string_view doing) const {
  std::string text = absl::StrCat("database ", path_, ": ", doing, ": ", sqlite3_errstr(code));
  if (handle_ != nullptr) absl::StrAppend(&text, " (", sqlite3_errmsg(handle_), ")");
  if (IsSyncFault(code)) {
    base::Log(base::Severity::kError,
              absl::StrCat(text,
                           "; what is on the disk is unknown, so the process ends here and "
                           "the next start reads what is there"));
    std::abort();
  }
  return absl::Status(CodeOf(code), text);
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

}  // namespace trainyard::store
