// Space held back on the disk of the database, so that a full disk does not stop a commit at once.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/mutex.h"

namespace trainyard::store {

// A file of allocated blocks beside the database. Threads: any.
class DiskReserve {
 public:
  // `reserve_bytes` 0: none is kept.
  DiskReserve(std::string path, uint64_t reserve_bytes, uint64_t free_bytes_min);

  // Takes the space when it is not held and the disk has at least twice as much free.
  void Fill() EXCLUDES(mutex_);
  // Gives the space back to the disk. False when it was not held.
  bool Release() EXCLUDES(mutex_);
  bool held() const EXCLUDES(mutex_);
  // RESOURCE_EXHAUSTED when less than `free_bytes_min` is free or the reserve is in use.
  absl::Status Check() const EXCLUDES(mutex_);

 private:
  const std::string path_;
  const std::string directory_;
  const uint64_t reserve_bytes_;
  const uint64_t free_bytes_min_;
  mutable base::Mutex mutex_;
  bool held_ GUARDED_BY(mutex_) = false;
};

}  // namespace trainyard::store
