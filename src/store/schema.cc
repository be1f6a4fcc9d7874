#include "store/schema.h"

#include <cstdint>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace trainyard::store {
namespace {

constexpr int64_t kApplicationId = 0x54524e59;  // "TRNY"

// Migration N takes the schema from version N to N + 1. Never edit one that was released: append.
//
// scope: the interned (kind, parent); the row with an empty parent stands for the kind itself.
// record: one row a record. Every index ends in create_time and, as all indexes do, in id: so each
// serves a list in its order. label: one row a label of a record, likewise.
constexpr const char* kMigrations[] = {
    R"sql(
CREATE TABLE scope (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  parent TEXT NOT NULL,
  UNIQUE (kind, parent)
);
CREATE TABLE record (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  live INTEGER NOT NULL,
  state TEXT NOT NULL,
  name TEXT NOT NULL,
  display_name TEXT NOT NULL,
  labels BLOB NOT NULL,
  value BLOB NOT NULL
);
CREATE UNIQUE INDEX record_by_name ON record (kind, name);
CREATE INDEX record_by_kind ON record (kind, create_time);
CREATE INDEX record_by_time ON record (scope, create_time);
CREATE INDEX record_by_state ON record (scope, state, create_time);
CREATE INDEX record_by_display_name ON record (scope, display_name, create_time);
CREATE INDEX record_live ON record (kind, create_time) WHERE live = 1;
CREATE TABLE label (
  scope INTEGER NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  record INTEGER NOT NULL,
  PRIMARY KEY (scope, key, value, create_time, record)
) WITHOUT ROWID;
CREATE INDEX label_by_key ON label (scope, key, create_time, record);
CREATE TABLE event (
  sequence INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  name TEXT NOT NULL,
  value BLOB NOT NULL
);
CREATE TABLE head (revision INTEGER NOT NULL);
INSERT INTO head VALUES (0);
)sql",
};

constexpr int kVersion = static_cast<int>(std::size(kMigrations));

}  // namespace

int SchemaVersion() { return kVersion; }

absl::Status CheckSchema(Connection& connection) {
  ASSIGN_OR_RETURN(int64_t version, connection.QueryInt64("PRAGMA user_version"));
  ASSIGN_OR_RETURN(int64_t application, connection.QueryInt64("PRAGMA application_id"));
  ASSIGN_OR_RETURN(int64_t tables, connection.QueryInt64("SELECT count(*) FROM sqlite_schema"));
  if (application != kApplicationId && (application != 0 || version != 0 || tables != 0)) {
    return absl::FailedPreconditionError("the file is a database of another program");
  }
  if (version > kVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the database has schema version ", version,
                     ", this program knows versions up to ", kVersion,
                     "; start a newer program, or put back a copy of the database that was made "
                     "before the upgrade"));
  }
  return absl::OkStatus();
}

absl::Status Migrate(Connection& connection) {
  ASSIGN_OR_RETURN(int64_t version, connection.QueryInt64("PRAGMA user_version"));
  for (; version < kVersion; ++version) {
    RETURN_IF_ERROR(connection.Execute(absl::StrCat(
        "BEGIN IMMEDIATE;", kMigrations[version], "PRAGMA user_version = ", version + 1,
        "; PRAGMA application_id = ", kApplicationId, "; COMMIT;")));
  }
  return absl::OkStatus();
}

}  // namespace trainyard::store
