#include "edge/reply_watch.h"

namespace trainyard::edge {

uint64_t ReplyWatch::Begin(grpc::ServerContextBase& context) {
  uint64_t id;
  {
    base::MutexLock lock(mutex_);
    id = next_id_++;
    open_.emplace(id, &context);
  }
  timers_.PostAfter(timeout_, [this, id] { CancelIfOpen(id); });
  return id;
}

void ReplyWatch::End(uint64_t id) {
  base::MutexLock lock(mutex_);
  open_.erase(id);
}

void ReplyWatch::CancelIfOpen(uint64_t id) {
  base::MutexLock lock(mutex_);
  auto context = open_.find(id);
  if (context != open_.end()) context->second->TryCancel();
}

}  // namespace trainyard::edge
