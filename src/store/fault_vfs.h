// SQLite's file system layer with faults, for tests: errors on demand, and the loss of power.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "base/random.h"

namespace trainyard::store {

// Registered with SQLite under its name as long as it lives. Threads: any.
class FaultVfs {
 public:
  // Before "write", "sync" and "read": anything but SQLITE_OK is the result, and nothing happens.
  using Fault = std::function<int(absl::string_view operation, const std::string& path)>;

  explicit FaultVfs(std::string name);
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  const std::string& name() const { return name_; }
  void SetFault(Fault fault) EXCLUDES(mutex_);
  // True when bytes were written to `path` that no sync has covered.
  bool HasUnsynced(const std::string& path) const EXCLUDES(mutex_);
  // Writes into `directory` what the files would be after the power failed now: what was synced,
  // and of the writes since then any subset.
  void SaveAfterPowerLoss(const std::string& directory, base::SeededRandom& random) const
      EXCLUDES(mutex_);

 private:
  struct File;  // what SQLite sees of an open file

  struct Written {
    uint64_t offset = 0;
    std::string bytes;
  };
  struct Contents {
    std::string synced;
    std::vector<Written> unsynced;
  };

  static int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out);
  static int Delete(sqlite3_vfs* vfs, const char* path, int sync);
  static sqlite3_io_methods MakeMethods();
  int Ask(absl::string_view operation, const std::string& path) EXCLUDES(mutex_);
  void NoteWrite(const std::string& path, const void* bytes, int count, int64_t offset)
      EXCLUDES(mutex_);
  void NoteTruncate(const std::string& path, int64_t size) EXCLUDES(mutex_);
  void NoteSync(const std::string& path) EXCLUDES(mutex_);

  const std::string name_;
  sqlite3_vfs* const real_;
  sqlite3_vfs vfs_;
  const sqlite3_io_methods methods_;
  mutable base::Mutex mutex_;
  Fault fault_ GUARDED_BY(mutex_);
  std::map<std::string, Contents> files_ GUARDED_BY(mutex_);
};

}  // namespace trainyard::store
