// Remembers tokens whose signature was verified, by their SHA-256, so that a client that sends the
// same one with each call costs one verification.
#pragma once

#include <map>
#include <string>

#include "absl/time/time.h"
#include "base/mutex.h"
#include "edge/call.h"

namespace trainyard::edge {

// Bounded: two generations; when the younger is full the older is forgotten. Threads: any.
class VerifiedTokens {
 public:
  // False when it is unknown or has expired.
  bool Find(const std::string& digest, absl::Time now, Caller& caller) EXCLUDES(mutex_);
  void Add(const std::string& digest, const Caller& caller, absl::Time expires) EXCLUDES(mutex_);
  size_t size() EXCLUDES(mutex_);

  static constexpr size_t kGenerationMax = 4096;

 private:
  struct Entry {
    Caller caller;
    absl::Time expires;
  };
  using Generation = std::map<std::string, Entry>;

  base::Mutex mutex_;
  Generation young_ GUARDED_BY(mutex_);
  Generation old_ GUARDED_BY(mutex_);
};

}  // namespace trainyard::edge
