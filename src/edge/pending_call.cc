#include "edge/pending_call.h"

#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace trainyard::edge {

PendingCall::PendingCall(const CallSurroundings& surroundings, Call call, const Method& method,
                         Replier reply)
    : surroundings_(surroundings),
      call_(std::move(call)),
      method_(method),
      reply_(std::move(reply)) {}

void PendingCall::Finish(absl::StatusOr<std::string> reply) {
  uint64_t timer = 0;
  {
    base::MutexLock lock(mutex_);
    if (finished_) return;
    finished_ = true;
    timer = timer_;
  }
  if (timer != 0) surroundings_.timers.Cancel(timer);
  if (method_.registration.mutates) RecordAudit(reply.status());
  std::exchange(reply_, nullptr)(std::move(reply));
  surroundings_.open.Remove(this);
}

void PendingCall::RecordAudit(const absl::Status& status) {
  surroundings_.audit.Record(
      {call_, method_.registration.permission, resource_, status, surroundings_.clock.Now()});
}

bool PendingCall::IsLate() const { return surroundings_.clock.Now() >= call_.deadline; }

bool PendingCall::IsFinished() {
  base::MutexLock lock(mutex_);
  return finished_;
}

void PendingCall::WatchDeadline() {
  if (call_.deadline == absl::InfiniteFuture()) return;
  base::MutexLock lock(mutex_);
  if (finished_) return;
  timer_ = surroundings_.timers.PostAfter(
      call_.deadline - surroundings_.clock.Now(), [weak = weak_from_this()] {
        auto self = weak.lock();
        if (self != nullptr) self->Finish(absl::DeadlineExceededError("Deadline exceeded."));
      });
}

void OpenCalls::Add(const std::shared_ptr<PendingCall>& call) {
  base::MutexLock lock(mutex_);
  calls_.emplace(call.get(), call);
}

void OpenCalls::Remove(PendingCall* call) {
  base::MutexLock lock(mutex_);
  calls_.erase(call);
  changed_.NotifyAll();
}

void OpenCalls::FinishAll(const absl::Status& status) {
  std::vector<std::shared_ptr<PendingCall>> open;
  {
    base::MutexLock lock(mutex_);
    for (auto& [key, weak] : calls_) {
      if (auto call = weak.lock()) open.push_back(std::move(call));
    }
  }
  for (auto& call : open) call->Finish(status);
  base::MutexLock lock(mutex_);
  while (!calls_.empty()) changed_.Wait(mutex_);
}

}  // namespace trainyard::edge
