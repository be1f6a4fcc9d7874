#include "store/writer.h"

#include <sqlite3.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "base/status.h"
#include "store/record_row.h"

namespace trainyard::store {
namespace {

constexpr uint64_t kPageBytes = 4096;

}  // namespace

// What is stored of a record before it is written again. id 0: nothing.
struct Writer::Existing {
  int64_t id = 0;
  int64_t scope = 0;
  int64_t create_time_us = 0;
  bool live = false;
  std::string state;
  std::string display_name;
  std::string labels;
};

Writer::Writer(std::unique_ptr<Connection> connection, int64_t events_max)
    : connection_(std::move(connection)), events_max_(events_max) {
  auto note_size = [](void* self, sqlite3*, const char*, int pages) {
    static_cast<Writer*>(self)->log_bytes_ = static_cast<uint64_t>(pages) * kPageBytes;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(connection_->handle(), note_size, this);
}

absl::StatusOr<std::unique_ptr<Writer>> Writer::Create(std::unique_ptr<Connection> connection,
                                                       int64_t events_max) {
  std::unique_ptr<Writer> writer(new Writer(std::move(connection), events_max));
  ASSIGN_OR_RETURN(writer->revision_, writer->connection_->QueryInt64("SELECT revision FROM head"));
  return writer;
}

absl::StatusOr<int64_t> Writer::Commit(const Transaction& transaction) {
  const int64_t revision = revision_ + 1;
  ASSIGN_OR_RETURN(Statement begin, connection_->Prepare("BEGIN IMMEDIATE"));
  RETURN_IF_ERROR(begin.Run());
  absl::Status status = Apply(transaction, revision);
  if (status.ok()) status = Finish();
  if (!status.ok()) {
    // Some faults have rolled it back already.
    if (connection_->in_transaction()) {
      ASSIGN_OR_RETURN(Statement rollback, connection_->Prepare("ROLLBACK"));
      RETURN_IF_ERROR(rollback.Run());
    }
    if (scopes_changed_) scopes_.clear();
    scopes_changed_ = false;
    return status;
  }
  scopes_changed_ = false;
  revision_ = revision;
  return revision;
}

absl::Status Writer::Apply(const Transaction& transaction, int64_t revision) {
  for (const Write& write : transaction.writes) {
    RETURN_IF_ERROR(write.kind == Write::Kind::kPut ? Put(write.record, revision)
                                                    : Delete(write.record));
  }
  for (const Event& event : transaction.events) RETURN_IF_ERROR(Append(event));
  ASSIGN_OR_RETURN(Statement head, connection_->Prepare("UPDATE head SET revision = ?1"));
  return head.Bind(1, revision).Run();
}

absl::Status Writer::Finish() {
  ASSIGN_OR_RETURN(Statement commit, connection_->Prepare("COMMIT"));
  absl::Status status = commit.Run();
  if (status.code() == absl::StatusCode::kInternal) {
    // The log may or may not hold the commit. Only reading it afresh tells.
    base::Log(base::Severity::kError,
              absl::StrCat("commit: ", std::string(status.message()), "; the process ends here"));
    std::abort();
  }
  return status;
}

absl::StatusOr<Writer::Existing> Writer::Find(int64_t kind, const std::string& name) {
  ASSIGN_OR_RETURN(
      Statement find,
      connection_->Prepare("SELECT id, scope, create_time, live, state, display_name, labels "
                           "FROM record WHERE kind = ?1 AND name = ?2"));
  find.Bind(1, kind).Bind(2, name);
  ASSIGN_OR_RETURN(bool found, find.Step());
  if (!found) return Existing{};
  return Existing{.id = find.Int64(0),
                  .scope = find.Int64(1),
                  .create_time_us = find.Int64(2),
                  .live = find.Int64(3) != 0,
                  .state = std::string(find.Text(4)),
                  .display_name = std::string(find.Text(5)),
                  .labels = std::string(find.Text(6))};
}

absl::Status Writer::Put(const Record& record, int64_t revision) {
  ASSIGN_OR_RETURN(int64_t kind, Intern(record.kind, ""));
  ASSIGN_OR_RETURN(int64_t scope, Intern(record.kind, record.parent));
  ASSIGN_OR_RETURN(Existing old, Find(kind, record.name));
  const std::string labels = EncodeLabels(record.labels);
  if (old.id == 0) {
    ASSIGN_OR_RETURN(int64_t id, Insert(record, kind, scope, labels, revision));
    return InsertLabels(record, scope, id);
  }
  if (old.scope == scope && old.create_time_us == absl::ToUnixMicros(record.create_time) &&
      old.display_name == record.display_name && old.labels == labels) {
    return Update(record, old, revision);
  }
  return Rewrite(record, old, scope, labels, revision);
}

absl::StatusOr<int64_t> Writer::Insert(const Record& record, int64_t kind, int64_t scope,
                                       const std::string& labels, int64_t revision) {
  ASSIGN_OR_RETURN(
      Statement insert,
      connection_->Prepare("INSERT INTO record (kind, scope, create_time, revision, live, state, "
                           "name, display_name, labels, value) "
                           "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING id"));
  insert.Bind(1, kind)
      .Bind(2, scope)
      .Bind(3, absl::ToUnixMicros(record.create_time))
      .Bind(4, revision)
      .Bind(5, int64_t{record.live})
      .Bind(6, record.state)
      .Bind(7, record.name)
      .Bind(8, record.display_name)
      .BindBytes(9, labels)
      .BindBytes(10, record.value);
  ASSIGN_OR_RETURN(bool row, insert.Step());
  CHECK(row);
  int64_t id = insert.Int64(0);
  RETURN_IF_ERROR(insert.Run());
  return id;
}

// The common cases touch no index but that of what changed.
absl::Status Writer::Update(const Record& record, const Existing& old, int64_t revision) {
  bool same_state = old.state == record.state && old.live == record.live;
  ASSIGN_OR_RETURN(
      Statement update,
      connection_->Prepare(same_state ? "UPDATE record SET revision = ?2, value = ?3 WHERE id = ?1"
                                      : "UPDATE record SET revision = ?2, value = ?3, live = ?4, "
                                        "state = ?5 WHERE id = ?1"));
  update.Bind(1, old.id).Bind(2, revision).BindBytes(3, record.value);
  if (!same_state) update.Bind(4, int64_t{record.live}).Bind(5, record.state);
  return update.Run();
}

absl::Status Writer::Rewrite(const Record& record, const Existing& old, int64_t scope,
                             const std::string& labels, int64_t revision) {
  RETURN_IF_ERROR(DeleteLabels(old));
  ASSIGN_OR_RETURN(
      Statement update,
      connection_->Prepare("UPDATE record SET revision = ?2, value = ?3, live = ?4, state = ?5, "
                           "scope = ?6, create_time = ?7, display_name = ?8, labels = ?9 "
                           "WHERE id = ?1"));
  update.Bind(1, old.id)
      .Bind(2, revision)
      .BindBytes(3, record.value)
      .Bind(4, int64_t{record.live})
      .Bind(5, record.state)
      .Bind(6, scope)
      .Bind(7, absl::ToUnixMicros(record.create_time))
      .Bind(8, record.display_name)
      .BindBytes(9, labels);
  RETURN_IF_ERROR(update.Run());
  return InsertLabels(record, scope, old.id);
}

absl::Status Writer::Delete(const Record& record) {
  ASSIGN_OR_RETURN(int64_t kind, Intern(record.kind, ""));
  ASSIGN_OR_RETURN(Existing old, Find(kind, record.name));
  if (old.id == 0) return absl::OkStatus();
  RETURN_IF_ERROR(DeleteLabels(old));
  ASSIGN_OR_RETURN(Statement remove, connection_->Prepare("DELETE FROM record WHERE id = ?1"));
  return remove.Bind(1, old.id).Run();
}

absl::Status Writer::InsertLabels(const Record& record, int64_t scope, int64_t id) {
  for (const auto& [key, value] : record.labels) {
    ASSIGN_OR_RETURN(
        Statement insert,
        connection_->Prepare("INSERT INTO label (scope, key, value, create_time, record) "
                             "VALUES (?1, ?2, ?3, ?4, ?5)"));
    insert.Bind(1, scope)
        .Bind(2, key)
        .Bind(3, value)
        .Bind(4, absl::ToUnixMicros(record.create_time))
        .Bind(5, id);
    RETURN_IF_ERROR(insert.Run());
  }
  return absl::OkStatus();
}

absl::Status Writer::DeleteLabels(const Existing& old) {
  for (const auto& [key, value] : DecodeLabels(old.labels)) {
    ASSIGN_OR_RETURN(Statement remove,
                     connection_->Prepare("DELETE FROM label WHERE scope = ?1 AND key = ?2 AND "
                                          "value = ?3 AND create_time = ?4 AND record = ?5"));
    remove.Bind(1, old.scope)
        .Bind(2, key)
        .Bind(3, value)
        .Bind(4, old.create_time_us)
        .Bind(5, old.id);
    RETURN_IF_ERROR(remove.Run());
  }
  return absl::OkStatus();
}

absl::Status Writer::Append(const Event& event) {
  ASSIGN_OR_RETURN(Statement insert,
                   connection_->Prepare("INSERT INTO event (time, name, value) "
                                        "VALUES (?1, ?2, ?3) RETURNING sequence"));
  insert.Bind(1, absl::ToUnixMicros(event.time)).Bind(2, event.name).BindBytes(3, event.value);
  ASSIGN_OR_RETURN(bool row, insert.Step());
  CHECK(row);
  int64_t sequence = insert.Int64(0);
  RETURN_IF_ERROR(insert.Run());
  ASSIGN_OR_RETURN(Statement trim, connection_->Prepare("DELETE FROM event WHERE sequence <= ?1"));
  return trim.Bind(1, sequence - events_max_).Run();
}

absl::StatusOr<int64_t> Writer::Intern(const std::string& kind, const std::string& parent) {
  auto known = scopes_.find({kind, parent});
  if (known != scopes_.end()) return known->second;
  ASSIGN_OR_RETURN(Statement find,
                   connection_->Prepare("SELECT id FROM scope WHERE kind = ?1 AND parent = ?2"));
  find.Bind(1, kind).Bind(2, parent);
  ASSIGN_OR_RETURN(bool found, find.Step());
  int64_t id = found ? find.Int64(0) : 0;
  if (!found) {
    ASSIGN_OR_RETURN(
        Statement insert,
        connection_->Prepare("INSERT INTO scope (kind, parent) VALUES (?1, ?2) RETURNING id"));
    insert.Bind(1, kind).Bind(2, parent);
    ASSIGN_OR_RETURN(bool row, insert.Step());
    CHECK(row);
    id = insert.Int64(0);
    RETURN_IF_ERROR(insert.Run());
    scopes_changed_ = true;
  }
  scopes_[{kind, parent}] = id;
  return id;
}

}  // namespace trainyard::store
