// The committed records of the jobs that live, for readers on any thread.
#pragma once

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/mutex.h"

namespace trainyard::control {

// Threads: any.
class JobView {
 public:
  void Publish(const std::string& name, std::shared_ptr<const std::string> bytes) EXCLUDES(mutex_);
  void Remove(const std::string& name) EXCLUDES(mutex_);
  // Null: it does not live.
  std::shared_ptr<const std::string> Find(const std::string& name) const EXCLUDES(mutex_);

 private:
  mutable base::Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<const std::string>> bytes_ GUARDED_BY(mutex_);
};

}  // namespace trainyard::control
