// The only source of time. Outside base and bin nothing else may read a clock.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace trainyard::base {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time; may jump in either direction.
  virtual absl::Time Now() const = 0;
  // Time since an arbitrary point; never goes back. For intervals.
  virtual absl::Duration Monotonic() const = 0;
};

// The machine's clock (CLOCK_REALTIME, CLOCK_MONOTONIC). Threads: any.
class RealClock : public Clock {
 public:
  absl::Time Now() const override;
  absl::Duration Monotonic() const override;
};

// A clock that moves only when told to. Threads: any.
class FakeClock : public Clock {
 public:
  explicit FakeClock(absl::Time start = absl::FromUnixSeconds(1'800'000'000)) : now_(start) {}
  absl::Time Now() const override;
  absl::Duration Monotonic() const override;
  void Advance(absl::Duration duration);
  // Moves wall time alone, as an administrator or NTP does.
  void JumpWall(absl::Duration duration);

 private:
  mutable Mutex mutex_;
  absl::Time now_ GUARDED_BY(mutex_);
  absl::Duration monotonic_ GUARDED_BY(mutex_) = absl::ZeroDuration();
};

}  // namespace trainyard::base
