#include "base/clock.h"

#include "gtest/gtest.h"

namespace trainyard::base {
namespace {

TEST(FakeClock, MovesOnlyWhenTold) {
  FakeClock clock(absl::FromUnixSeconds(100));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(100));
  EXPECT_EQ(clock.Monotonic(), absl::ZeroDuration());
  clock.Advance(absl::Seconds(3));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(103));
  EXPECT_EQ(clock.Monotonic(), absl::Seconds(3));
  clock.JumpWall(absl::Seconds(-50));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(53));
  EXPECT_EQ(clock.Monotonic(), absl::Seconds(3));
}

TEST(RealClock, MonotonicNeverGoesBack) {
  RealClock clock;
  EXPECT_GT(clock.Now(), absl::FromUnixSeconds(1'700'000'000));
  absl::Duration last = clock.Monotonic();
  for (int i = 0; i < 1000; ++i) {
    absl::Duration now = clock.Monotonic();
    EXPECT_GE(now, last);
    last = now;
  }
}

}  // namespace
}  // namespace trainyard::base
