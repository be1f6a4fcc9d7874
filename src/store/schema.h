// The tables, as a list of migrations.
#pragma once

#include "absl/status/status.h"
#include "store/sqlite_connection.h"

namespace trainyard::store {

// The version that this program writes.
int SchemaVersion();

// FAILED_PRECONDITION when the database is newer than this program or belongs to another one.
// Writes nothing.
absl::Status CheckSchema(Connection& connection);

// Brings an empty or older database to SchemaVersion, each step in a transaction of its own.
// REQUIRES: CheckSchema is OK.
absl::Status Migrate(Connection& connection);

}  // namespace trainyard::store
