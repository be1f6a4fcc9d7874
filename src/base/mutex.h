// std::mutex with clang's thread-safety annotations.
//
// Debian's abseil is not built for ThreadSanitizer and reports false races there, so our own
// libraries lock with these. Annotations: GUARDED_BY(m), REQUIRES(m), EXCLUDES(m) below.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/time/time.h"

#if defined(__clang__)
#define TRAINYARD_ATTRIBUTE(x) __attribute__((x))
#else
#define TRAINYARD_ATTRIBUTE(x)
#endif

#undef GUARDED_BY
#define GUARDED_BY(x) TRAINYARD_ATTRIBUTE(guarded_by(x))
#define REQUIRES(...) TRAINYARD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) TRAINYARD_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace trainyard::base {

class TRAINYARD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void Lock() TRAINYARD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void Unlock() TRAINYARD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  friend class ConditionVariable;
  std::mutex mutex_;
};

class TRAINYARD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TRAINYARD_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() TRAINYARD_ATTRIBUTE(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Wait in a loop on the condition: wake-ups may be spurious.
class ConditionVariable {
 public:
  void Wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    variable_.wait(lock);
    lock.release();
  }
  // False when `timeout` passed without a notification.
  bool WaitFor(Mutex& mutex, absl::Duration timeout) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    bool notified = variable_.wait_until(lock, std::chrono::steady_clock::now() +
                                                   absl::ToChronoNanoseconds(timeout)) ==
                    std::cv_status::no_timeout;
    lock.release();
    return notified;
  }
  void NotifyOne() { variable_.notify_one(); }
  void NotifyAll() { variable_.notify_all(); }

 private:
  std::condition_variable variable_;
};

}  // namespace trainyard::base
