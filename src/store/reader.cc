#include "store/reader.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status.h"
#include "store/list_plan.h"
#include "store/page_token.h"
#include "store/range_cursor.h"
#include "store/record_row.h"

namespace trainyard::store {
namespace {

using base::limits::kPageBytesMax;
using base::limits::kPageSizeDefault;
using base::limits::kPageSizeMax;
using base::limits::kScanRecordsMax;

// A range with more entries than this is not worth telling from another.
constexpr int64_t kProbeEntriesMax = 1000;

// One state of the database for several statements.
class ReadTransaction {
 public:
  static absl::StatusOr<ReadTransaction> Begin(Connection& connection) {
    ASSIGN_OR_RETURN(Statement begin, connection.Prepare("BEGIN"));
    RETURN_IF_ERROR(begin.Run());
    return ReadTransaction(connection);
  }
  ReadTransaction(ReadTransaction&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  ~ReadTransaction() {
    if (connection_ == nullptr) return;
    absl::StatusOr<Statement> end = connection_->Prepare("ROLLBACK");
    // Nothing was written: whatever it says, nothing is lost.
    if (end.ok()) (void)end->Run();
  }

 private:
  explicit ReadTransaction(Connection& connection) : connection_(&connection) {}

  Connection* connection_;
};

// The alternative with the fewest entries. Narrow ranges are told apart by counting.
absl::StatusOr<const RangeSet*> Choose(Connection& connection, const ListPlan& plan,
                                       const Bounds& bounds) {
  if (plan.alternatives.size() <= 2) return &plan.alternatives.front();
  const RangeSet* best = nullptr;
  int64_t fewest = 0;
  for (size_t i = 0; i + 1 < plan.alternatives.size(); ++i) {
    ASSIGN_OR_RETURN(int64_t count,
                     CountUpTo(connection, plan.alternatives[i], bounds, kProbeEntriesMax));
    if (best == nullptr || count < fewest) {
      best = &plan.alternatives[i];
      fewest = count;
    }
  }
  return best;
}

size_t PageSize(const ListQuery& query) {
  return static_cast<size_t>(query.page_size <= 0 ? kPageSizeDefault
                                                  : std::min(query.page_size, kPageSizeMax));
}

}  // namespace

absl::StatusOr<int64_t> Reader::FindScope(const std::string& kind, const std::string& parent) {
  ASSIGN_OR_RETURN(Statement find,
                   connection_->Prepare("SELECT id FROM scope WHERE kind = ?1 AND parent = ?2"));
  find.Bind(1, kind).Bind(2, parent);
  ASSIGN_OR_RETURN(bool row, find.Step());
  return row ? find.Int64(0) : 0;
}

absl::StatusOr<std::string> Reader::ParentOf(int64_t scope) {
  auto known = parents_.find(scope);
  if (known != parents_.end()) return known->second;
  ASSIGN_OR_RETURN(Statement find, connection_->Prepare("SELECT parent FROM scope WHERE id = ?1"));
  find.Bind(1, scope);
  ASSIGN_OR_RETURN(bool row, find.Step());
  if (!row) return absl::DataLossError(absl::StrCat("scope ", scope, " is missing"));
  return parents_[scope] = std::string(find.Text(0));
}

absl::StatusOr<Record> Reader::Get(const std::string& kind, const std::string& name) {
  ASSIGN_OR_RETURN(
      Statement find,
      connection_->Prepare(absl::StrCat(
          "SELECT ", kRowColumns,
          " FROM scope AS s CROSS JOIN record AS r INDEXED BY record_by_name ON r.kind = s.id "
          "WHERE s.kind = ?1 AND s.parent = '' AND r.name = ?2")));
  find.Bind(1, kind).Bind(2, name);
  ASSIGN_OR_RETURN(bool found, find.Step());
  if (!found) return absl::NotFoundError(absl::StrCat(name, " not found"));
  RecordRow row(find);
  ASSIGN_OR_RETURN(std::string parent, ParentOf(row.scope()));
  return row.ToRecord(kind, parent);
}

absl::StatusOr<Page> Reader::List(const ListQuery& query) {
  ASSIGN_OR_RETURN(ReadTransaction transaction, ReadTransaction::Begin(*connection_));
  ASSIGN_OR_RETURN(int64_t scope, FindScope(query.kind, query.parent));
  return ReadPage(query, scope);
}

absl::StatusOr<Page> Reader::ReadPage(const ListQuery& query, int64_t scope) {
  const ListPlan plan = PlanList(query.filter, !query.parent.empty());
  Bounds bounds{.scope = scope, .from_us = plan.from_us, .before_us = plan.before_us};
  if (!query.page_token.empty()) {
    ASSIGN_OR_RETURN(bounds.after, DecodePageToken(token_key_, query));
  }
  ASSIGN_OR_RETURN(const RangeSet* ranges, Choose(*connection_, plan, bounds));
  ASSIGN_OR_RETURN(RangeCursor cursor, RangeCursor::Open(*connection_, *ranges, bounds));

  Page page;
  std::string parent = query.parent;
  std::optional<Record> record;  // of the current row, made when it is needed
  auto current = [&]() -> Record& {
    if (!record.has_value()) record = cursor.row().ToRecord(query.kind, parent);
    return *record;
  };
  const model::FilterFields fields = [&](const std::string& path) {
    bool is_column = false;
    std::optional<model::FilterValue> value = cursor.row().Column(path, is_column);
    return is_column || query.fields == nullptr ? value : query.fields(current(), path);
  };
  std::optional<Position> last;
  size_t page_bytes = 0;
  for (int examined = 0;; ++examined) {
    ASSIGN_OR_RETURN(bool more, cursor.Next());
    if (!more) return page;
    if (examined == kScanRecordsMax || page.records.size() == PageSize(query) ||
        page_bytes >= kPageBytesMax) {
      break;
    }
    last = cursor.row().position();
    record.reset();
    if (query.parent.empty()) {
      ASSIGN_OR_RETURN(parent, ParentOf(cursor.row().scope()));
    }
    if (!model::Matches(query.filter, fields)) continue;
    page_bytes += current().value.size();
    page.records.push_back(std::move(current()));
  }
  page.next_page_token = EncodePageToken(token_key_, query, *last);
  return page;
}

absl::StatusOr<std::vector<Record>> Reader::ListLive(const std::string& kind) {
  ASSIGN_OR_RETURN(int64_t scope, FindScope(kind, ""));
  ASSIGN_OR_RETURN(Statement find,
                   connection_->Prepare(absl::StrCat(
                       "SELECT ", kRowColumns,
                       " FROM record AS r INDEXED BY record_live "
                       "WHERE r.kind = ?1 AND r.live = 1 ORDER BY r.create_time, r.id")));
  find.Bind(1, scope);
  std::vector<Record> records;
  while (true) {
    ASSIGN_OR_RETURN(bool more, find.Step());
    if (!more) return records;
    RecordRow row(find);
    ASSIGN_OR_RETURN(std::string parent, ParentOf(row.scope()));
    records.push_back(row.ToRecord(kind, parent));
  }
}

absl::StatusOr<std::vector<Row>> Reader::ReadEvents(int64_t sequence, int count) {
  ASSIGN_OR_RETURN(
      Statement find,
      connection_->Prepare("SELECT sequence, time, name, value FROM event WHERE sequence > ?1 "
                           "ORDER BY sequence LIMIT ?2"));
  find.Bind(1, sequence).Bind(2, static_cast<int64_t>(std::max(count, 0)));
  std::vector<Row> rows;
  while (true) {
    ASSIGN_OR_RETURN(bool more, find.Step());
    if (!more) return rows;
    rows.push_back({find.Int64(0), Event{.name = std::string(find.Text(2)),
                                         .time = absl::FromUnixMicros(find.Int64(1)),
                                         .value = std::string(find.Text(3))}});
  }
}

}  // namespace trainyard::store
