// HTTP/1.1 over TLS: a thread for each connection.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/mutex.h"
#include "edge/connection_limit.h"
#include "edge/http_connection.h"
#include "edge/http_timing.h"
#include "edge/socket.h"
#include "edge/tls_context.h"
#include "edge/tls_stream.h"

namespace trainyard::edge {

// Threads: any.
class HttpServer {
 public:
  // All references outlive the server.
  HttpServer(HttpApplication application, TlsContext& tls, ConnectionLimit& limit,
             const StopEvents& stop, const HttpTiming& timing, const base::Clock& clock);
  // The stop events' kill must be set; waits for every connection's end.
  ~HttpServer();

  // Does not block. `refused`: see ConnectionSinks.
  void Take(Socket socket, std::string peer, bool refused) EXCLUDES(mutex_);
  // False when connections are still open after the time.
  bool AwaitNone(absl::Duration timeout) EXCLUDES(mutex_);

 private:
  void Run(Socket socket, std::string peer, bool refused) EXCLUDES(mutex_);
  void End(uint64_t id, bool refused) EXCLUDES(mutex_);
  void JoinEnded() EXCLUDES(mutex_);

  const HttpApplication application_;
  TlsContext& tls_;
  ConnectionLimit& limit_;
  const StopEvents& stop_;
  const HttpTiming timing_;
  const base::Clock& clock_;
  base::Mutex mutex_;
  base::ConditionVariable ended_one_;
  uint64_t next_id_ GUARDED_BY(mutex_) = 0;
  int refusing_ GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, std::unique_ptr<base::ThreadExecutor>> running_ GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<base::ThreadExecutor>> ended_ GUARDED_BY(mutex_);
};

}  // namespace trainyard::edge
