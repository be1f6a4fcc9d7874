#include "edge/patience.h"

#include <gtest/gtest.h>

namespace trainyard::edge {
namespace {

TEST(PatienceTest, WaitingSpendsAndBytesRefillUpToTheReserve) {
  Patience patience(absl::Seconds(30), /*bytes_per_second=*/1024);
  patience.Spend(absl::Seconds(10));
  EXPECT_EQ(patience.left(), absl::Seconds(20));
  patience.Refill(2048);
  EXPECT_EQ(patience.left(), absl::Seconds(22));
  patience.Refill(1 << 20);
  EXPECT_EQ(patience.left(), absl::Seconds(30));
}

TEST(PatienceTest, ADripIsGivenUp) {
  Patience patience(absl::Seconds(30), 1024);
  int seconds = 0;
  while (patience.left() > absl::ZeroDuration() && seconds < 1000) {
    patience.Spend(absl::Seconds(1));
    patience.Refill(1);
    ++seconds;
  }
  EXPECT_EQ(seconds, 31);
}

TEST(PatienceTest, ASlowLineIsServed) {
  Patience patience(absl::Seconds(30), 1024);
  for (int second = 0; second < 1000; ++second) {
    patience.Spend(absl::Seconds(1));
    ASSERT_GT(patience.left(), absl::ZeroDuration());
    patience.Refill(2000);
  }
}

}  // namespace
}  // namespace trainyard::edge
