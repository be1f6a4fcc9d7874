// gRPC over connections that the listener accepted: every method comes to one generic service.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "edge/call.h"
#include "edge/dispatcher.h"
#include "edge/method_table.h"
#include "edge/request_budget.h"
#include "edge/socket.h"
#include "edge/tls_context.h"

namespace trainyard::edge {

// Threads: any.
class GrpcServer {
 public:
  virtual ~GrpcServer() = default;
  // All references outlive the server. A client that takes a large reply for longer than
  // `reply_timeout` loses the call.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      TlsContext& tls, const MethodTable& methods, Authenticator& authenticator,
      Dispatcher& dispatcher, RequestBudget& budget, absl::Duration reply_timeout);
  // A non-blocking socket whose peer begins with a ClientHello. Not after Shutdown.
  virtual void Take(Socket socket) = 0;
  // Lets calls finish within the time, then cancels them. Returns when none is left.
  virtual void Shutdown(absl::Duration drain) = 0;
};

}  // namespace trainyard::edge
