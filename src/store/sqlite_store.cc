// The store on SQLite: opening, and who may do what when.
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/descriptor.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status.h"
#include "store/disk_reserve.h"
#include "store/reader.h"
#include "store/reader_pool.h"
#include "store/schema.h"
#include "store/store.h"
#include "store/writer.h"

namespace trainyard::store {
namespace {

constexpr int kReadersMax = 16;
constexpr size_t kTokenKeyBytes = 32;
// Without a size to keep the log to, it is folded into the database when it is this large.
constexpr uint64_t kLogBytesDefault = 4 << 20;
// When folding falls behind, by so many times the size at which it begins: readers are kept out of
// its way; and then commits wait for it.
constexpr uint64_t kReadersWaitFactor = 4;
constexpr uint64_t kCommitsWaitFactor = 8;
constexpr absl::Duration kRefillPeriod = absl::Seconds(10);

absl::Status AnnotatePath(const absl::Status& status, const std::string& path) {
  return base::Annotate(status, absl::StrCat("database ", path));
}

// Held as long as the store is open; the kernel lets go when the process ends, however it ends.
absl::StatusOr<base::Descriptor> LockAgainstOthers(const std::string& path) {
  const std::string lock_path = path + ".lock";
  base::Descriptor lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) return base::ErrnoStatus(errno, "open " + lock_path);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return base::ErrnoStatus(errno, "lock " + lock_path);
  return absl::FailedPreconditionError(
      absl::StrCat("database ", path,
                   " is open in another process; stop that server first, or give this one "
                   "another data directory"));
}

// SQLite makes the file, and those beside it, with the mode of the file that it finds.
absl::Status CreatePrivate(const std::string& path) {
  base::Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  return file.valid() ? absl::OkStatus() : base::ErrnoStatus(errno, "open " + path);
}

// Writes zeros behind what the log holds. SQLite takes them for the end of the log, and overwriting
// them costs half of what appending does. Real zeros: an unwritten extent is no faster than none.
absl::Status ExtendLog(const std::string& path, uint64_t log_bytes) {
  const std::string log_path = path + "-wal";
  base::Descriptor log(open(log_path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!log.valid()) return base::ErrnoStatus(errno, "open " + log_path);
  off_t size = lseek(log.get(), 0, SEEK_END);
  const std::string zeros(1 << 20, '\0');
  for (uint64_t done = static_cast<uint64_t>(size); done < log_bytes;) {
    size_t wanted = static_cast<size_t>(std::min<uint64_t>(zeros.size(), log_bytes - done));
    ssize_t count = write(log.get(), zeros.data(), wanted);
    // A full disk is no reason not to start: the log then grows as it is used.
    if (count <= 0) break;
    done += static_cast<uint64_t>(count);
  }
  return fdatasync(log.get()) == 0 ? absl::OkStatus() : base::ErrnoStatus(errno, "sync the log");
}

class SqliteStore : public Store {
 public:
  SqliteStore(SqliteOptions options, base::Descriptor lock, std::unique_ptr<Writer> writer,
              std::unique_ptr<Connection> checkpointer)
      : options_(std::move(options)),
        fold_bytes_(options_.log_bytes == 0 ? kLogBytesDefault : options_.log_bytes / 2),
        lock_(std::move(lock)),
        reserve_(options_.path + ".reserve", options_.sync ? options_.reserve_bytes : 0,
                 options_.free_bytes_min),
        readers_([this] { return OpenReader(); }, kReadersMax),
        revision_(writer->revision()),
        fold_at_bytes_(fold_bytes_),
        writer_(std::move(writer)),
        checkpointer_(std::move(checkpointer)),
        executor_("store-log") {}

  absl::StatusOr<int64_t> Commit(const Transaction& transaction) override EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    while (folding_ && log_bytes_ >= kCommitsWaitFactor * fold_bytes_) folded_.Wait(mutex_);
    absl::StatusOr<int64_t> revision = writer_->Commit(transaction);
    if (absl::IsResourceExhausted(revision.status()) && ReleaseReserve()) {
      revision = writer_->Commit(transaction);
    }
    if (!revision.ok()) return revision;
    revision_ = *revision;
    WatchLog();
    return revision;
  }

  absl::StatusOr<Record> Get(const std::string& kind, const std::string& name) override {
    ASSIGN_OR_RETURN(ReaderPool::Lease reader, readers_.Borrow());
    return reader->Get(kind, name);
  }
  absl::StatusOr<Page> List(const ListQuery& query) override {
    ASSIGN_OR_RETURN(ReaderPool::Lease reader, readers_.Borrow());
    return reader->List(query);
  }
  absl::StatusOr<std::vector<Record>> ListLive(const std::string& kind) override {
    ASSIGN_OR_RETURN(ReaderPool::Lease reader, readers_.Borrow());
    return reader->ListLive(kind);
  }
  absl::StatusOr<std::vector<Row>> ReadEvents(int64_t sequence, int count) override {
    ASSIGN_OR_RETURN(ReaderPool::Lease reader, readers_.Borrow());
    return reader->ReadEvents(sequence, count);
  }
  int64_t revision() const override { return revision_; }
  absl::Status CheckSpace() override { return reserve_.Check(); }

 private:
  absl::StatusOr<std::unique_ptr<Reader>> OpenReader() {
    ASSIGN_OR_RETURN(
        std::unique_ptr<Connection> connection,
        Connection::Open({.path = options_.path, .vfs = options_.vfs, .read_only = true}));
    // The last connection to close folds the log, and this may be it.
    if (!options_.sync) RETURN_IF_ERROR(connection->Execute("PRAGMA synchronous = OFF"));
    return std::make_unique<Reader>(std::move(connection), options_.token_key);
  }

  void WatchLog() REQUIRES(mutex_) {
    log_bytes_ = writer_->log_bytes();
    if (log_bytes_ < fold_at_bytes_ || folding_) return;
    folding_ = true;
    executor_.Post([this] { FoldLog(); });
  }

  // Copies the log into the database. The bulk goes beside commits; for the rest, which came
  // meanwhile, commits wait, so that the next one begins the log afresh.
  void FoldLog() EXCLUDES(mutex_) {
    absl::Status status = Checkpoint(SQLITE_CHECKPOINT_PASSIVE);
    if (status.ok() && LogBytes() < kReadersWaitFactor * fold_bytes_) {
      status = FoldRest();
    } else if (status.ok()) {
      readers_.RunWithoutReaders([&] { status = FoldRest(); });
    }
    if (absl::IsResourceExhausted(status) && ReleaseReserve()) {
      status = Checkpoint(SQLITE_CHECKPOINT_PASSIVE);
    }
    if (!status.ok() && !absl::IsUnavailable(status)) {
      base::Log(base::Severity::kError, std::string(status.message()));
    }
    base::MutexLock lock(mutex_);
    // A reader in the way, or no space for the database to grow: later again.
    fold_at_bytes_ = status.ok() ? fold_bytes_ : log_bytes_ + fold_bytes_ / 2;
    folding_ = false;
    folded_.NotifyAll();
  }

  absl::Status FoldRest() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    absl::Status status = Checkpoint(SQLITE_CHECKPOINT_RESTART);
    if (status.ok()) log_bytes_ = 0;
    return status;
  }

  uint64_t LogBytes() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return log_bytes_;
  }

  absl::Status Checkpoint(int mode) {
    int code = sqlite3_wal_checkpoint_v2(checkpointer_->handle(), nullptr, mode, nullptr, nullptr);
    return code == SQLITE_OK ? absl::OkStatus() : checkpointer_->Fault(code, "fold the log");
  }

  bool ReleaseReserve() {
    if (!reserve_.Release()) return false;
    executor_.PostAfter(kRefillPeriod, [this] { RefillReserve(); });
    return true;
  }

  void RefillReserve() {
    reserve_.Fill();
    if (!reserve_.held()) executor_.PostAfter(kRefillPeriod, [this] { RefillReserve(); });
  }

  const SqliteOptions options_;
  const uint64_t fold_bytes_;
  const base::Descriptor lock_;
  DiskReserve reserve_;
  ReaderPool readers_;
  std::atomic<int64_t> revision_;
  base::Mutex mutex_;  // held by who writes to the database or folds the end of the log
  base::ConditionVariable folded_;
  bool folding_ GUARDED_BY(mutex_) = false;
  uint64_t log_bytes_ GUARDED_BY(mutex_) = 0;
  uint64_t fold_at_bytes_ GUARDED_BY(mutex_);
  const std::unique_ptr<Writer> writer_ GUARDED_BY(mutex_);
  const std::unique_ptr<Connection> checkpointer_;  // used by executor_
  base::ThreadExecutor executor_;                   // last: its tasks use the rest
};

absl::Status Configure(Connection& connection, const SqliteOptions& options) {
  RETURN_IF_ERROR(
      connection.Execute(options.sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF"));
  // 64 MiB of pages: what the right edges of all indexes of a busy store need.
  return connection.Execute(
      "PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = OFF; PRAGMA temp_store = MEMORY; "
      "PRAGMA cache_size = -65536");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const SqliteOptions& options) {
  if (options.token_key.size() != kTokenKeyBytes) {
    return absl::InvalidArgumentError("the key of page tokens must have 32 bytes");
  }
  ASSIGN_OR_RETURN(base::Descriptor lock, LockAgainstOthers(options.path));
  RETURN_IF_ERROR(CreatePrivate(options.path));
  const ConnectionOptions connection_options{.path = options.path, .vfs = options.vfs};
  ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::Open(connection_options));
  RETURN_IF_ERROR(Configure(*connection, options));
  RETURN_IF_ERROR(AnnotatePath(CheckSchema(*connection), options.path));
  RETURN_IF_ERROR(connection->Execute("PRAGMA journal_mode = WAL"));
  RETURN_IF_ERROR(AnnotatePath(Migrate(*connection), options.path));
  if (options.sync) RETURN_IF_ERROR(ExtendLog(options.path, options.log_bytes));
  ASSIGN_OR_RETURN(std::unique_ptr<Writer> writer,
                   Writer::Create(std::move(connection), options.events_max));
  ASSIGN_OR_RETURN(std::unique_ptr<Connection> checkpointer, Connection::Open(connection_options));
  RETURN_IF_ERROR(Configure(*checkpointer, options));
  sqlite3_busy_timeout(checkpointer->handle(), 0);  // a reader in the way is not waited for
  return std::make_unique<SqliteStore>(options, std::move(lock), std::move(writer),
                                       std::move(checkpointer));
}

}  // namespace trainyard::store
