#include "store/range_cursor.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"

namespace trainyard::store {
namespace {

// How one index is read. INDEXED BY and CROSS JOIN leave SQLite's own planner no choice.
struct AccessPath {
  const char* entries;  // FROM, for the entries alone
  const char* join;     // to the records
  const char* where;    // the leading columns: ?1 scope, ?2 and ?3 of the range
  const char* time;
  const char* id;
};

AccessPath PathOf(Index index) {
  static constexpr char kJoin[] = " CROSS JOIN record AS r ON r.id = l.record";
  switch (index) {
    case Index::kKind:
      return {"record AS r INDEXED BY record_by_kind", "", "r.kind = ?1", "r.create_time", "r.id"};
    case Index::kTime:
      return {"record AS r INDEXED BY record_by_time", "", "r.scope = ?1", "r.create_time", "r.id"};
    case Index::kState:
      return {"record AS r INDEXED BY record_by_state", "", "r.scope = ?1 AND r.state = ?2",
              "r.create_time", "r.id"};
    case Index::kDisplayName:
      return {"record AS r INDEXED BY record_by_display_name", "",
              "r.scope = ?1 AND r.display_name = ?2", "r.create_time", "r.id"};
    case Index::kLabel:
      return {"label AS l", kJoin, "l.scope = ?1 AND l.key = ?2 AND l.value = ?3", "l.create_time",
              "l.record"};
    case Index::kLabelKey:
      return {"label AS l INDEXED BY label_by_key", kJoin, "l.scope = ?1 AND l.key = ?2",
              "l.create_time", "l.record"};
  }
  CHECK(false);
}

// ?4: from, ?5: before.
std::string RestSql(const AccessPath& path) {
  return absl::StrCat("SELECT ", kRowColumns, " FROM ", path.entries, path.join, " WHERE ",
                      path.where, " AND ", path.time, " >= ?4 AND ", path.time, " < ?5 ORDER BY ",
                      path.time, " DESC, ", path.id, " DESC");
}

// ?4: the time, ?5: the id after which to begin.
std::string TiesSql(const AccessPath& path) {
  return absl::StrCat("SELECT ", kRowColumns, " FROM ", path.entries, path.join, " WHERE ",
                      path.where, " AND ", path.time, " = ?4 AND ", path.id, " < ?5 ORDER BY ",
                      path.id, " DESC");
}

// ?6: how far to count.
std::string CountSql(const AccessPath& path) {
  return absl::StrCat("SELECT count(*) FROM (SELECT 1 FROM ", path.entries, " WHERE ", path.where,
                      " AND ", path.time, " >= ?4 AND ", path.time, " < ?5 LIMIT ?6)");
}

absl::StatusOr<Statement> PrepareRange(Connection& connection, const std::string& sql,
                                       const IndexRange& range, const Bounds& bounds) {
  ASSIGN_OR_RETURN(Statement statement, connection.Prepare(sql));
  statement.Bind(1, bounds.scope);
  statement.Bind(2, range.first);
  statement.Bind(3, range.second);
  return statement;
}

}  // namespace

absl::StatusOr<RangeCursor> RangeCursor::Open(Connection& connection, const RangeSet& ranges,
                                              const Bounds& bounds) {
  RangeCursor cursor;
  int64_t before_us = bounds.before_us;
  bool ties = bounds.after.has_value() && bounds.after->create_time_us >= bounds.from_us &&
              bounds.after->create_time_us < before_us;
  if (bounds.after.has_value()) before_us = std::min(before_us, bounds.after->create_time_us);
  for (const IndexRange& range : ranges) {
    const AccessPath path = PathOf(range.index);
    ASSIGN_OR_RETURN(Statement rest, PrepareRange(connection, RestSql(path), range, bounds));
    rest.Bind(4, bounds.from_us).Bind(5, before_us);
    auto branch = std::make_unique<Branch>(Branch{std::nullopt, std::move(rest)});
    if (ties) {
      ASSIGN_OR_RETURN(Statement tied, PrepareRange(connection, TiesSql(path), range, bounds));
      tied.Bind(4, bounds.after->create_time_us).Bind(5, bounds.after->id);
      branch->ties.emplace(std::move(tied));
    }
    cursor.branches_.push_back(std::move(branch));
  }
  return cursor;
}

absl::Status RangeCursor::Advance(Branch& branch) {
  if (branch.ties.has_value()) {
    ASSIGN_OR_RETURN(bool tied, branch.ties->Step());
    branch.statement = &*branch.ties;
    if (tied) return absl::OkStatus();
    branch.ties.reset();
  }
  ASSIGN_OR_RETURN(bool row, branch.rest.Step());
  branch.statement = row ? &branch.rest : nullptr;
  return absl::OkStatus();
}

absl::StatusOr<bool> RangeCursor::Next() {
  if (started_) {
    RETURN_IF_ERROR(Advance(*current_));
  } else {
    for (auto& branch : branches_) RETURN_IF_ERROR(Advance(*branch));
  }
  started_ = true;
  current_ = nullptr;
  for (auto& branch : branches_) {
    if (branch->statement == nullptr) continue;
    if (current_ == nullptr || RecordRow(*branch->statement).position() > row().position()) {
      current_ = branch.get();
    }
  }
  return current_ != nullptr;
}

absl::StatusOr<int64_t> CountUpTo(Connection& connection, const RangeSet& ranges,
                                  const Bounds& bounds, int64_t count_max) {
  int64_t count = 0;
  for (const IndexRange& range : ranges) {
    ASSIGN_OR_RETURN(Statement statement,
                     PrepareRange(connection, CountSql(PathOf(range.index)), range, bounds));
    int64_t before_us = bounds.before_us;
    if (bounds.after.has_value() && bounds.after->create_time_us < before_us) {
      before_us = bounds.after->create_time_us + 1;
    }
    statement.Bind(4, bounds.from_us).Bind(5, before_us).Bind(6, count_max - count);
    ASSIGN_OR_RETURN(bool row, statement.Step());
    if (row) count += statement.Int64(0);
    if (count >= count_max) break;
  }
  return count;
}

}  // namespace trainyard::store
