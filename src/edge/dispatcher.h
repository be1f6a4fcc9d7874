// The one path of every call, gRPC and REST alike:
//
//   find the method -> authenticate -> implemented? -> read the request -> find its resource ->
//   is its project and location served here? -> may the caller? -> handler -> one reply
//
// Nothing but the credential is looked at before it is proved good. Handlers run on a bounded pool.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/limits.h"
#include "edge/call.h"
#include "edge/http_handler.h"
#include "edge/method_table.h"

namespace trainyard::edge {

struct DispatcherOptions {
  int call_threads = 16;
  size_t call_queue_max = base::limits::kCallQueueMax;  // over: UNAVAILABLE
  std::vector<std::string> projects;                    // empty: any well-formed one
  std::vector<std::string> locations;                   // empty: every region of Google's
  // For a REST call that names none in `X-Server-Timeout`.
  absl::Duration rest_timeout = absl::Seconds(60);
};

// A unary call as gRPC brings it.
struct GrpcCall {
  std::string method;  // "/google.cloud.aiplatform.v1.JobService/GetCustomJob"
  std::string authorization;
  std::string peer;
  absl::Time deadline = absl::InfiniteFuture();
  std::string request;  // serialized
};
// The serialized response. Errors carry google.rpc details as payloads (errors.h makes
// grpc-status-details-bin of them). Called exactly once, on any thread, also within DispatchGrpc.
using GrpcReplier = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;

struct RestCall {
  std::string verb;   // "GET"
  std::string path;   // as sent, percent-encoded, without the query
  std::string query;  // as sent, without the '?'
  Headers headers;    // names are lower-case
  std::string peer;
  std::string body;  // read only after AdmitRest let the call in
  Caller caller;     // set by AdmitRest
};
struct RestReply {
  int status = 200;
  Headers headers;  // content-type and the like; never content-length
  std::string body;
};
// Called exactly once, on any thread, also within DispatchRest.
using RestReplier = absl::AnyInvocable<void(RestReply)>;

// Threads: any.
class Dispatcher {
 public:
  // All references outlive the dispatcher.
  Dispatcher(const MethodTable& methods, Authenticator& authenticator, Policy& policy, Audit& audit,
             const base::Clock& clock, DispatcherOptions options);
  // Every call is answered when this returns; one that its handler still holds, with UNAVAILABLE.
  ~Dispatcher();

  void DispatchGrpc(GrpcCall call, GrpcReplier reply);

  // Before the body is read. Sets `call.caller`, or gives the refusal to send: no credential (401),
  // no such path (404), wrong verb (405), not implemented (501).
  std::optional<RestReply> AdmitRest(RestCall& call);
  // For a call that AdmitRest let in, with its body.
  void DispatchRest(RestCall call, RestReplier reply);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace trainyard::edge
