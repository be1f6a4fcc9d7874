// One call, whatever way it came in, and the interfaces that the rest of the house implements for
// the edge.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"

namespace trainyard::edge {

// Who calls: proved by a signature, never by an address.
struct Caller {
  std::string account;  // e-mail; empty: nobody
  std::string key_id;
};

struct Call {
  Caller caller;
  std::string method;  // "google.cloud.aiplatform.v1.JobService/CreateCustomJob"
  absl::Time deadline = absl::InfiniteFuture();
  std::string peer;  // address, for the audit alone
  bool rest = false;
  std::string version;  // "v1", "v1beta1": of the URL or the gRPC package
};

using Response = absl::StatusOr<std::unique_ptr<google::protobuf::Message>>;
// Must be called exactly once, from any thread.
using Responder = absl::AnyInvocable<void(Response)>;

// Runs on the bounded call executor; may block for a store read, never for long. Long waits use the
// responder.
using UnaryHandler =
    std::function<void(const Call&, const google::protobuf::Message& request, Responder)>;

// Turns the credential of a call into a caller. UNAUTHENTICATED with a sentence that says what to
// pass.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // `authorization`: the header's value, maybe empty. Never logs it. Threads: any.
  virtual absl::StatusOr<Caller> Authenticate(absl::string_view authorization) = 0;
};

// Decides whether a caller may. Threads: any; must be quick (memory only).
class Policy {
 public:
  virtual ~Policy() = default;
  // `permission`: "aiplatform.customJobs.create"; `resource`: the full name it is checked on.
  // PERMISSION_DENIED in Google's form otherwise.
  virtual absl::Status Check(const Caller& caller, absl::string_view permission,
                             absl::string_view resource) = 0;
};

// One line for each mutating call, allowed or refused.
struct AuditRecord {
  Call call;
  std::string permission;
  std::string resource;
  absl::Status status;
  absl::Time time;
};

class Audit {
 public:
  virtual ~Audit() = default;
  virtual void Record(const AuditRecord& record) = 0;
};

}  // namespace trainyard::edge
