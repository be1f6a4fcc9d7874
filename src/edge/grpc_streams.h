// The few calls that are streams: reflection, and the watching of health.
#pragma once

#include <grpcpp/generic/async_generic_service.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "edge/dispatcher.h"
#include "edge/method_table.h"

namespace trainyard::edge {

class StreamCall;

// The open streams. They would last as long as their clients do, so the server ends them when it
// shuts down. Threads: any.
class StreamSet {
 public:
  // The number that names the call for ever.
  uint64_t Add(StreamCall* call) EXCLUDES(mutex_);
  void Remove(uint64_t id) EXCLUDES(mutex_);
  // Does nothing when the call is gone.
  void WithCall(uint64_t id, const std::function<void(StreamCall&)>& action) EXCLUDES(mutex_);
  // Ends them with UNAVAILABLE, and every one that is added later.
  void EndAll() EXCLUDES(mutex_);

 private:
  base::Mutex mutex_;
  bool ended_ GUARDED_BY(mutex_) = false;
  uint64_t next_id_ GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, StreamCall*> calls_ GUARDED_BY(mutex_);
};

// As gRPC names it: "/grpc.health.v1.Health/Watch".
bool IsServedStream(absl::string_view method);

// For a method that IsServedStream, and a caller who is known. All references outlive the call; it
// deletes itself.
grpc::ServerGenericBidiReactor* NewStreamCall(const grpc::GenericCallbackServerContext& context,
                                              std::shared_ptr<StreamSet> streams,
                                              const MethodTable& methods, Dispatcher& dispatcher);

}  // namespace trainyard::edge
