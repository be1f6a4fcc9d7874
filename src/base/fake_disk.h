// A disk in memory, for tests and the simulator: it can crash, fill up and fail.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/mutex.h"
#include "base/random.h"

namespace trainyard::base {

// Keeps the contracts of Disk. "/" exists; there are no links and no permissions. Threads: any.
class FakeDisk : public Disk {
 public:
  // Called before each operation ("append", "sync", "read", "write", "open", "truncate", "rename",
  // "remove", "make", "list", "stat") with the disk locked; anything but OK is its result, and
  // nothing happens.
  using Fault = std::function<absl::Status(absl::string_view operation, const std::string& path)>;

  // `clock` gives the times of modification and outlives the disk.
  explicit FakeDisk(const Clock& clock) : clock_(clock) {}

  // The machine loses power. Files are as they were last made durable, and files open now can no
  // longer be written. With `random`, some bytes that were not synced may have got there (any
  // prefix of them, its end possibly zeros), and removed files may be back.
  void Crash(SeededRandom* random = nullptr) EXCLUDES(mutex_);
  // nullptr: no more faults.
  void SetFault(Fault fault) EXCLUDES(mutex_);
  // `error` for every operation after the next `operations`.
  void FailAfter(int operations, absl::Status error) EXCLUDES(mutex_);
  // What does not fit is RESOURCE_EXHAUSTED; an append writes what fits.
  void SetCapacity(uint64_t capacity_bytes) EXCLUDES(mutex_);

  absl::StatusOr<std::string> Read(const std::string& path) override EXCLUDES(mutex_);
  absl::StatusOr<std::string> ReadRange(const std::string& path, uint64_t offset,
                                        uint64_t length) override EXCLUDES(mutex_);
  absl::Status WriteAtomically(const std::string& path, absl::string_view contents,
                               mode_t mode) override EXCLUDES(mutex_);
  absl::StatusOr<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path,
                                                         mode_t mode) override EXCLUDES(mutex_);
  absl::Status Truncate(const std::string& path, uint64_t size_bytes) override EXCLUDES(mutex_);
  absl::Status Rename(const std::string& from, const std::string& to) override EXCLUDES(mutex_);
  absl::Status Remove(const std::string& path) override EXCLUDES(mutex_);
  absl::Status RemoveTree(const std::string& path) override EXCLUDES(mutex_);
  absl::Status MakeDirectories(const std::string& path, mode_t mode) override EXCLUDES(mutex_);
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override EXCLUDES(mutex_);
  absl::StatusOr<FileInfo> Stat(const std::string& path) override EXCLUDES(mutex_);
  absl::StatusOr<uint64_t> FreeBytes(const std::string& path) override EXCLUDES(mutex_);

 private:
  class OpenFile;
  struct File {
    std::string contents;
    std::string durable;  // a prefix of it
    absl::Time modified;
    bool crashed = false;  // its open handles are useless
  };
  using Files = std::map<std::string, std::shared_ptr<File>>;

  absl::Status Begin(absl::string_view operation, const std::string& path) REQUIRES(mutex_);
  absl::StatusOr<std::shared_ptr<File>> Find(absl::string_view operation, const std::string& path)
      REQUIRES(mutex_);
  absl::Status NeedParent(absl::string_view operation, const std::string& path) REQUIRES(mutex_);
  uint64_t FreeBytesNow() const REQUIRES(mutex_);
  void MakeDurable(const std::string& path, const std::shared_ptr<File>& file) REQUIRES(mutex_);
  absl::Status RenameDirectory(const std::string& from, const std::string& to) REQUIRES(mutex_);
  absl::Status Append(const std::string& path, File& file, absl::string_view bytes)
      EXCLUDES(mutex_);
  absl::Status Sync(const std::string& path, const std::shared_ptr<File>& file) EXCLUDES(mutex_);
  uint64_t SizeOf(const File& file) EXCLUDES(mutex_);

  const Clock& clock_;
  Mutex mutex_;
  Files files_ GUARDED_BY(mutex_);                    // as programs see them
  Files durable_files_ GUARDED_BY(mutex_);            // names that are there after a crash
  std::set<std::string> removed_ GUARDED_BY(mutex_);  // of those, which may be gone by then
  std::set<std::string> directories_ GUARDED_BY(mutex_) = {"/"};
  uint64_t capacity_bytes_ GUARDED_BY(mutex_) = UINT64_MAX;
  Fault fault_ GUARDED_BY(mutex_);
};

}  // namespace trainyard::base
