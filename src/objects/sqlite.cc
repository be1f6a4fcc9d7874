#include "objects/sqlite.h"

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"

namespace trainyard::objects {
namespace {

absl::Status FaultOf(sqlite3* database, absl::string_view what) {
  int code = sqlite3_errcode(database);
  std::string text = absl::StrCat(what, ": ", sqlite3_errmsg(database));
  if ((code & 0xff) == SQLITE_FULL) return absl::ResourceExhaustedError(text);
  return absl::InternalError(text);
}

}  // namespace

absl::StatusOr<Database> OpenDatabase(const std::string& path) {
  sqlite3* handle = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
  int code = sqlite3_open_v2(path.c_str(), &handle, kFlags, nullptr);
  Database database(handle);
  if (code != SQLITE_OK) return FaultOf(handle, absl::StrCat("open ", path));
  sqlite3_busy_timeout(handle, 5000);
  RETURN_IF_ERROR(Execute(handle, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"));
  return database;
}

absl::Status Execute(sqlite3* database, const char* statements) {
  if (sqlite3_exec(database, statements, nullptr, nullptr, nullptr) == SQLITE_OK) {
    return absl::OkStatus();
  }
  return FaultOf(database, "object metadata");
}

absl::StatusOr<Query> Query::Prepare(sqlite3* database, const std::string& text) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, text.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    return FaultOf(database, "object metadata");
  }
  return Query(statement);
}

Query& Query::Bind(int64_t value) {
  CHECK(sqlite3_bind_int64(statement_.get(), ++parameter_, value) == SQLITE_OK);
  return *this;
}

Query& Query::Bind(absl::string_view text) {
  CHECK(sqlite3_bind_blob64(statement_.get(), ++parameter_, text.empty() ? "" : text.data(),
                            text.size(), SQLITE_TRANSIENT) == SQLITE_OK);
  return *this;
}

Query& Query::BindNull() {
  CHECK(sqlite3_bind_null(statement_.get(), ++parameter_) == SQLITE_OK);
  return *this;
}

absl::StatusOr<bool> Query::Step() {
  column_ = 0;
  int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return Fault();
}

absl::Status Query::Run() { return Step().status(); }

absl::Status Query::Fault() const {
  return FaultOf(sqlite3_db_handle(statement_.get()), "object metadata");
}

bool Query::NextIsNull() const {
  return sqlite3_column_type(statement_.get(), column_) == SQLITE_NULL;
}

int64_t Query::NextInt() { return sqlite3_column_int64(statement_.get(), column_++); }

std::string Query::NextText() {
  const void* bytes = sqlite3_column_blob(statement_.get(), column_);
  int length = sqlite3_column_bytes(statement_.get(), column_++);
  if (bytes == nullptr) return std::string();
  return std::string(static_cast<const char*>(bytes), static_cast<size_t>(length));
}

}  // namespace trainyard::objects
