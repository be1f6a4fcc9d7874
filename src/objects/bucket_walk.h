// The names of a bucket in byte order, from any place on, reading only directories on the way.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "objects/beneath.h"

namespace trainyard::objects {

using DirectoryEntries = std::shared_ptr<const std::vector<DirectoryEntry>>;

// Sorted entries of large directories, so that the pages of a list do not each read all of it.
// An entry serves while the directory's times are what they were. Threads: any.
class DirectoryCache {
 public:
  explicit DirectoryCache(const base::Clock& clock) : clock_(clock) {}
  absl::StatusOr<DirectoryEntries> List(int bucket, const std::string& path) EXCLUDES(mutex_);

 private:
  struct Cached {
    Fingerprint fingerprint;
    DirectoryEntries entries;
  };

  const base::Clock& clock_;
  base::Mutex mutex_;
  std::list<Cached> cached_ GUARDED_BY(mutex_);  // the last used first
  size_t names_ GUARDED_BY(mutex_) = 0;
};

// Gives names of files and of directories ("dir/", before what lies below it). Names that no object
// may have are left out with all that is below them. Threads: one.
class BucketWalk {
 public:
  // The descriptor and the cache outlive it.
  BucketWalk(int bucket, DirectoryCache& cache) : bucket_(bucket), cache_(cache) {}

  // Stands before the first name that is not less than `bound`.
  absl::Status Seek(const std::string& bound);
  // Empty at the end. A directory that went away meanwhile has nothing in it.
  absl::StatusOr<std::string> Next();

 private:
  struct Level {
    std::string prefix;  // "a/b/"
    DirectoryEntries entries;
    size_t next = 0;
  };
  absl::Status Enter(const std::string& prefix);

  const int bucket_;
  DirectoryCache& cache_;
  std::vector<Level> levels_;
};

}  // namespace trainyard::objects
