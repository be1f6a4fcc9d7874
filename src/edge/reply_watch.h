// Large replies that a gRPC client does not take.
#pragma once

#include <grpcpp/server_context.h>

#include <cstdint>
#include <map>

#include "absl/time/time.h"
#include "base/executor.h"
#include "base/mutex.h"

namespace trainyard::edge {

// A client that answers pings and yet reads nothing would hold its replies in memory for ever: its
// calls are cancelled after the time. Threads: any.
class ReplyWatch {
 public:
  explicit ReplyWatch(absl::Duration timeout) : timeout_(timeout), timers_("edge-replies") {}

  // The reply goes out now. The context lives until End.
  uint64_t Begin(grpc::ServerContextBase& context) EXCLUDES(mutex_);
  void End(uint64_t id) EXCLUDES(mutex_);

 private:
  void CancelIfOpen(uint64_t id) EXCLUDES(mutex_);

  const absl::Duration timeout_;
  base::Mutex mutex_;
  uint64_t next_id_ GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, grpc::ServerContextBase*> open_ GUARDED_BY(mutex_);
  base::ThreadExecutor timers_;  // last: its tasks use the rest
};

}  // namespace trainyard::edge
