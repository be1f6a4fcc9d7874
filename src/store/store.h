// The store: revisioned records, all-or-nothing transactions, keyset lists. The front door of this
// folder.
//
// A record is a serialized message under (kind, name) with the columns that lists can be ordered
// and filtered by. Revisions count transactions, from 1. One writer; readers never wait for it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/filter.h"

namespace trainyard::store {

// Kinds of records. The text is what is stored.
inline constexpr char kCustomJobs[] = "customJobs";
inline constexpr char kOperations[] = "operations";
inline constexpr char kAccounts[] = "accounts";
inline constexpr char kSettings[] = "settings";

struct Record {
  std::string kind;
  std::string name;    // full resource name; unique within the kind
  std::string parent;  // "projects/P/locations/L"; the scope of a list
  std::string state;   // "JOB_STATE_RUNNING"; empty where the kind has none
  bool live = false;   // not terminal: loaded by the engine at start
  std::string display_name;
  std::map<std::string, std::string> labels;
  absl::Time create_time;  // microseconds. Lists are newest first; of equal times the later put
  std::string value;       // serialized message
  int64_t revision = 0;    // set by the store: the transaction that wrote it last
};

struct Write {
  enum class Kind { kPut, kDelete };
  Kind kind = Kind::kPut;
  Record record;  // kDelete: kind and name only
};

// One line of the event log, appended in the same transaction as the writes it tells of. The oldest
// lines go when there are more than a store keeps.
struct Event {
  std::string name;  // the record it is about
  absl::Time time;
  std::string value;  // serialized; what it means is the writer's business
};

struct Transaction {
  std::vector<Write> writes;
  std::vector<Event> events;
};

struct ListQuery {
  std::string kind;
  std::string parent;       // exact; empty: all parents
  model::Filter filter;     // evaluated on the columns, and on `fields` for the rest
  int page_size = 0;        // 0: the default; clamped to limits.h
  std::string page_token;   // from the last page; INVALID_ARGUMENT when forged or of another query
  std::string filter_text;  // bound into the token: a changed filter is refused
  // Looks up a field that is no column, in a record's value; nullopt: unset. May be null.
  std::function<std::optional<model::FilterValue>(const Record&, const std::string& path)> fields;
};

struct Page {
  std::vector<Record> records;
  std::string next_page_token;  // empty: the end. A page may be short and still have a token.
};

struct Row {
  int64_t sequence = 0;
  Event event;
};

// Threads: Commit from one thread at a time; the rest from any.
//
// A page token is a place in the order of the list, so pages neither repeat nor skip a record that
// was there all the time, whatever comes and goes meanwhile.
class Store {
 public:
  virtual ~Store() = default;
  // Durable on OK; nothing of it happened otherwise. Returns the revision.
  // A fault of the disk that leaves durability unknown aborts the process (restart finds the
  // truth). RESOURCE_EXHAUSTED: the disk is full and the reserved space is used up too.
  virtual absl::StatusOr<int64_t> Commit(const Transaction& transaction) = 0;
  virtual absl::StatusOr<Record> Get(const std::string& kind, const std::string& name) = 0;
  virtual absl::StatusOr<Page> List(const ListQuery& query) = 0;
  // Every record with `live`, oldest first: what the engine loads at start.
  virtual absl::StatusOr<std::vector<Record>> ListLive(const std::string& kind) = 0;
  // The event log from `sequence` (exclusive) on, at most `count` rows.
  virtual absl::StatusOr<std::vector<Row>> ReadEvents(int64_t sequence, int count) = 0;
  virtual int64_t revision() const = 0;
  // RESOURCE_EXHAUSTED when so little space is left that new work should be refused, long before
  // Commit fails: what was accepted can then still end. As cheap as a system call.
  virtual absl::Status CheckSpace() { return absl::OkStatus(); }
};

struct SqliteOptions {
  std::string path;       // the database file; its directory exists, mode 0700
  std::string token_key;  // secret that signs page tokens, 32 bytes
  bool sync = true;       // false: a commit is not durable, for tests and the simulator
  // The log is written in place up to this size: half the cost of a file that grows.
  uint64_t log_bytes = 32 << 20;
  uint64_t reserve_bytes = 64 << 20;    // held back, given up when the disk is full
  uint64_t free_bytes_min = 256 << 20;  // with less, CheckSpace refuses
  int64_t events_max = 1'000'000;       // lines of the event log
  std::string vfs;                      // SQLite's name of the file system layer; empty: its own
};

// Opens or creates. FAILED_PRECONDITION with a sentence when the schema is newer than this program,
// when the file is no such database, and when another process has it open.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const SqliteOptions& options);

}  // namespace trainyard::store
