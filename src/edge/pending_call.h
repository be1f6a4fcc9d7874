// One call between its arrival and its one reply.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/mutex.h"
#include "edge/call.h"
#include "edge/method_table.h"

namespace trainyard::edge {

class OpenCalls;

// What every call shares. All outlive the calls.
struct CallSurroundings {
  Audit& audit;
  const base::Clock& clock;
  base::Executor& timers;
  OpenCalls& open;
};

// Threads: any.
class PendingCall : public std::enable_shared_from_this<PendingCall> {
 public:
  using Replier = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;

  PendingCall(const CallSurroundings& surroundings, Call call, const Method& method, Replier reply);

  // The first reply goes out, after the audit record of a mutating call; later ones are dropped.
  void Finish(absl::StatusOr<std::string> reply) EXCLUDES(mutex_);
  // From now on the call ends with DEADLINE_EXCEEDED when its time is up.
  void WatchDeadline() EXCLUDES(mutex_);
  bool IsLate() const;
  bool IsFinished() EXCLUDES(mutex_);

  const Call& call() const { return call_; }
  const Method& method() const { return method_; }
  // For the audit record. Before the handler runs.
  void set_resource(std::string resource) { resource_ = std::move(resource); }

 private:
  void RecordAudit(const absl::Status& status);

  const CallSurroundings& surroundings_;
  const Call call_;
  const Method& method_;
  std::string resource_;
  Replier reply_;
  base::Mutex mutex_;
  bool finished_ GUARDED_BY(mutex_) = false;
  uint64_t timer_ GUARDED_BY(mutex_) = 0;  // 0: none
};

// The calls that have no reply yet. Threads: any.
class OpenCalls {
 public:
  void Add(const std::shared_ptr<PendingCall>& call) EXCLUDES(mutex_);
  void Remove(PendingCall* call) EXCLUDES(mutex_);
  // Ends all with `status` and waits until each reply has gone out. No Add comes any more.
  void FinishAll(const absl::Status& status) EXCLUDES(mutex_);

 private:
  base::Mutex mutex_;
  base::ConditionVariable changed_;
  std::map<PendingCall*, std::weak_ptr<PendingCall>> calls_ GUARDED_BY(mutex_);
};

}  // namespace trainyard::edge
