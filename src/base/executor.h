// The only sources of concurrency and of delay.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace trainyard::base {

using Task = absl::AnyInvocable<void()>;

// Runs one task at a time, in the order posted; so what only its tasks touch needs no lock.
// Threads: any.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void Post(Task task) = 0;
  // Runs `task` once `delay` of monotonic time has passed. The result names the timer for Cancel.
  virtual uint64_t PostAfter(absl::Duration delay, Task task) = 0;
  // False when the timer has run, or was cancelled before.
  virtual bool Cancel(uint64_t timer) = 0;
};

// One thread. The destructor runs what was posted, drops timers, and joins.
class ThreadExecutor : public Executor {
 public:
  explicit ThreadExecutor(std::string name);
  ~ThreadExecutor() override;
  void Post(Task task) override EXCLUDES(mutex_);
  uint64_t PostAfter(absl::Duration delay, Task task) override EXCLUDES(mutex_);
  bool Cancel(uint64_t timer) override EXCLUDES(mutex_);

 private:
  using TimerKey = std::pair<absl::Duration, uint64_t>;  // due, sequence number
  void Run() EXCLUDES(mutex_);
  bool TakeNext(Task& task) EXCLUDES(mutex_);

  RealClock clock_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::deque<Task> tasks_ GUARDED_BY(mutex_);
  std::map<TimerKey, Task> timers_ GUARDED_BY(mutex_);
  std::map<uint64_t, absl::Duration> due_ GUARDED_BY(mutex_);
  uint64_t next_timer_ GUARDED_BY(mutex_) = 1;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: starts when the rest is ready
};

// A fixed number of threads for work that blocks, behind a bounded queue. Threads: any.
class ThreadPool {
 public:
  ThreadPool(std::string name, int threads, size_t queue_max);
  ~ThreadPool();  // runs what is queued, then joins
  // False when the queue is full: the caller answers "try again", it does not wait.
  [[nodiscard]] bool TryPost(Task task) EXCLUDES(mutex_);

 private:
  void Run() EXCLUDES(mutex_);

  const size_t queue_max_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::deque<Task> tasks_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

// For tests and the simulator: nothing runs until told to, time is the FakeClock's. Threads: one.
class FakeExecutor : public Executor {
 public:
  explicit FakeExecutor(FakeClock& clock) : clock_(clock) {}
  void Post(Task task) override { tasks_.push_back(std::move(task)); }
  uint64_t PostAfter(absl::Duration delay, Task task) override;
  bool Cancel(uint64_t timer) override;
  // Runs posted tasks, and what they post, until none is left. Due timers become tasks first.
  void RunReady();
  // Runs one task; false when none is ready.
  bool RunOne();
  // Moves the clock forward, running each timer at its time.
  void AdvanceBy(absl::Duration duration);
  // When the next timer is due; InfiniteDuration when there is none.
  absl::Duration NextTimerDue() const;

 private:
  void TakeDueTimers();

  FakeClock& clock_;
  std::deque<Task> tasks_;
  std::map<std::pair<absl::Duration, uint64_t>, Task> timers_;
  uint64_t next_timer_ = 1;
};

}  // namespace trainyard::base
