#include "base/clock.h"

#include <ctime>

#include "absl/time/clock.h"

namespace trainyard::base {

absl::Time RealClock::Now() const { return absl::Now(); }

absl::Duration RealClock::Monotonic() const {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

absl::Time FakeClock::Now() const {
  MutexLock lock(mutex_);
  return now_;
}

absl::Duration FakeClock::Monotonic() const {
  MutexLock lock(mutex_);
  return monotonic_;
}

void FakeClock::Advance(absl::Duration duration) {
  MutexLock lock(mutex_);
  now_ += duration;
  monotonic_ += duration;
}

void FakeClock::JumpWall(absl::Duration duration) {
  MutexLock lock(mutex_);
  now_ += duration;
}

}  // namespace trainyard::base
