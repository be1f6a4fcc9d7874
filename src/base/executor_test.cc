#include "base/executor.h"

#include <atomic>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trainyard::base {
namespace {

using ::testing::ElementsAre;

TEST(FakeExecutor, RunsInOrderWithTimersAtTheirTime) {
  FakeClock clock;
  FakeExecutor executor(clock);
  std::vector<std::string> ran;
  auto note = [&](std::string what) {
    return [&, what] { ran.push_back(what + "@" + absl::FormatDuration(clock.Monotonic())); };
  };
  executor.PostAfter(absl::Seconds(2), note("late"));
  executor.PostAfter(absl::Seconds(1), [&] {
    note("early")();
    executor.Post(note("posted by a timer"));
    executor.PostAfter(absl::Milliseconds(500), note("nested"));
  });
  uint64_t cancelled = executor.PostAfter(absl::Seconds(1), note("never"));
  executor.Post(note("first"));
  EXPECT_TRUE(executor.Cancel(cancelled));
  EXPECT_FALSE(executor.Cancel(cancelled));
  EXPECT_EQ(executor.NextTimerDue(), absl::Seconds(1));
  executor.AdvanceBy(absl::Seconds(3));
  EXPECT_THAT(ran,
              ElementsAre("first@0", "early@1s", "posted by a timer@1s", "nested@1.5s", "late@2s"));
  EXPECT_EQ(clock.Monotonic(), absl::Seconds(3));
  EXPECT_FALSE(executor.RunOne());
  EXPECT_EQ(executor.NextTimerDue(), absl::InfiniteDuration());
}

TEST(ThreadExecutor, RunsAllThatWasPostedInOrder) {
  std::vector<int> ran;  // touched by the executor's thread only, then after it was joined
  {
    ThreadExecutor executor("test");
    for (int i = 0; i < 1000; ++i) executor.Post([&ran, i] { ran.push_back(i); });
  }
  ASSERT_EQ(ran.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(ran[static_cast<size_t>(i)], i);
}

TEST(ThreadExecutor, TimersRunInTimeOrderUnlessCancelled) {
  Mutex mutex;
  ConditionVariable changed;
  std::vector<int> ran;
  ThreadExecutor executor("test");
  auto note = [&](int what) {
    return [&, what] {
      MutexLock lock(mutex);
      ran.push_back(what);
      changed.NotifyAll();
    };
  };
  executor.PostAfter(absl::Milliseconds(20), note(2));
  executor.PostAfter(absl::Milliseconds(1), note(1));
  uint64_t never = executor.PostAfter(absl::Hours(1), note(3));
  {
    MutexLock lock(mutex);
    while (ran.size() < 2) changed.Wait(mutex);
    EXPECT_THAT(ran, ElementsAre(1, 2));
  }
  EXPECT_TRUE(executor.Cancel(never));
}

TEST(ThreadPool, RefusesWhatDoesNotFitAndRunsTheRest) {
  Mutex mutex;
  ConditionVariable changed;
  bool open = false;
  bool started = false;
  std::atomic<int> ran = 0;
  {
    ThreadPool pool("test", 1, 2);
    ASSERT_TRUE(pool.TryPost([&] {
      MutexLock lock(mutex);
      started = true;
      changed.NotifyAll();
      while (!open) changed.Wait(mutex);
    }));
    {
      MutexLock lock(mutex);
      while (!started) changed.Wait(mutex);
    }
    EXPECT_TRUE(pool.TryPost([&] { ++ran; }));
    EXPECT_TRUE(pool.TryPost([&] { ++ran; }));
    EXPECT_FALSE(pool.TryPost([&] { ++ran; }));
    MutexLock lock(mutex);
    open = true;
    changed.NotifyAll();
  }
  EXPECT_EQ(ran, 2);
}

}  // namespace
}  // namespace trainyard::base
