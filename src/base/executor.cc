#include "base/executor.h"

#include <pthread.h>

#include <algorithm>

namespace trainyard::base {
namespace {

void NameThisThread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace

ThreadExecutor::ThreadExecutor(std::string name)
    : thread_([this, name = std::move(name)] {
        NameThisThread(name);
        Run();
      }) {}

ThreadExecutor::~ThreadExecutor() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  thread_.join();
}

void ThreadExecutor::Post(Task task) {
  {
    MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.NotifyOne();
}

uint64_t ThreadExecutor::PostAfter(absl::Duration delay, Task task) {
  uint64_t timer;
  {
    MutexLock lock(mutex_);
    timer = next_timer_++;
    absl::Duration due = clock_.Monotonic() + delay;
    timers_.emplace(TimerKey{due, timer}, std::move(task));
    due_.emplace(timer, due);
  }
  wake_.NotifyOne();
  return timer;
}

bool ThreadExecutor::Cancel(uint64_t timer) {
  Task dropped;  // destroyed without the lock held
  MutexLock lock(mutex_);
  auto due = due_.find(timer);
  if (due == due_.end()) return false;
  auto entry = timers_.find({due->second, timer});
  dropped = std::move(entry->second);
  timers_.erase(entry);
  due_.erase(due);
  return true;
}

void ThreadExecutor::Run() {
  Task task;
  while (TakeNext(task)) {
    task();
    task = nullptr;
  }
}

bool ThreadExecutor::TakeNext(Task& task) {
  MutexLock lock(mutex_);
  while (true) {
    absl::Duration now = clock_.Monotonic();
    if (!timers_.empty() && timers_.begin()->first.first <= now && !stopping_) {
      auto first = timers_.begin();
      due_.erase(first->first.second);
      task = std::move(first->second);
      timers_.erase(first);
      return true;
    }
    if (!tasks_.empty()) {
      task = std::move(tasks_.front());
      tasks_.pop_front();
      return true;
    }
    if (stopping_) return false;
    if (timers_.empty()) {
      wake_.Wait(mutex_);
    } else {
      wake_.WaitFor(mutex_, timers_.begin()->first.first - now);
    }
  }
}

ThreadPool::ThreadPool(std::string name, int threads, size_t queue_max) : queue_max_(queue_max) {
  threads_.reserve(static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this, name] {
      NameThisThread(name);
      Run();
    });
  }
}

ThreadPool::~ThreadPool() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

bool ThreadPool::TryPost(Task task) {
  {
    MutexLock lock(mutex_);
    if (stopping_ || tasks_.size() >= queue_max_) return false;
    tasks_.push_back(std::move(task));
  }
  wake_.NotifyOne();
  return true;
}

void ThreadPool::Run() {
  while (true) {
    Task task;
    {
      MutexLock lock(mutex_);
      while (tasks_.empty() && !stopping_) wake_.Wait(mutex_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

uint64_t FakeExecutor::PostAfter(absl::Duration delay, Task task) {
  uint64_t timer = next_timer_++;
  timers_.emplace(std::pair(clock_.Monotonic() + delay, timer), std::move(task));
  return timer;
}

bool FakeExecutor::Cancel(uint64_t timer) {
  auto entry = std::find_if(timers_.begin(), timers_.end(),
                            [&](const auto& item) { return item.first.second == timer; });
  if (entry == timers_.end()) return false;
  timers_.erase(entry);
  return true;
}

void FakeExecutor::TakeDueTimers() {
  while (!timers_.empty() && timers_.begin()->first.first <= clock_.Monotonic()) {
    tasks_.push_back(std::move(timers_.begin()->second));
    timers_.erase(timers_.begin());
  }
}

bool FakeExecutor::RunOne() {
  TakeDueTimers();
  if (tasks_.empty()) return false;
  Task task = std::move(tasks_.front());
  tasks_.pop_front();
  task();
  return true;
}

void FakeExecutor::RunReady() {
  while (RunOne()) {
  }
}

void FakeExecutor::AdvanceBy(absl::Duration duration) {
  absl::Duration end = clock_.Monotonic() + duration;
  RunReady();
  while (NextTimerDue() <= end) {
    clock_.Advance(std::max(absl::ZeroDuration(), NextTimerDue() - clock_.Monotonic()));
    RunReady();
  }
  clock_.Advance(std::max(absl::ZeroDuration(), end - clock_.Monotonic()));
}

absl::Duration FakeExecutor::NextTimerDue() const {
  return timers_.empty() ? absl::InfiniteDuration() : timers_.begin()->first.first;
}

}  // namespace trainyard::base
