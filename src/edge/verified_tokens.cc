#include "edge/verified_tokens.h"

#include <utility>

namespace trainyard::edge {

bool VerifiedTokens::Find(const std::string& digest, absl::Time now, Caller& caller) {
  base::MutexLock lock(mutex_);
  for (const Generation* generation : {&young_, &old_}) {
    const auto entry = generation->find(digest);
    if (entry == generation->end() || entry->second.expires <= now) continue;
    caller = entry->second.caller;
    return true;
  }
  return false;
}

void VerifiedTokens::Add(const std::string& digest, const Caller& caller, absl::Time expires) {
  base::MutexLock lock(mutex_);
  if (young_.size() >= kGenerationMax) old_ = std::exchange(young_, {});
  young_[digest] = {caller, expires};
}

size_t VerifiedTokens::size() {
  base::MutexLock lock(mutex_);
  return young_.size() + old_.size();
}

}  // namespace trainyard::edge
