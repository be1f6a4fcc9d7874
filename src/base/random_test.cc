#include "base/random.h"

#include <set>

#include "absl/strings/numbers.h"
#include "gtest/gtest.h"

namespace trainyard::base {
namespace {

TEST(SeededRandom, TheSameSeedTheSameSequence) {
  SeededRandom a(7), b(7), c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    uint64_t value = a.Uint64();
    EXPECT_EQ(value, b.Uint64());
    differs |= value != c.Uint64();
  }
  EXPECT_TRUE(differs);
}

TEST(SeededRandom, BelowCoversItsRange) {
  SeededRandom random(1);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.Below(5));
  EXPECT_EQ(seen, (std::set<uint64_t>{0, 1, 2, 3, 4}));
}

class FixedRandom : public Random {
 public:
  explicit FixedRandom(uint64_t value) : value_(value) {}
  uint64_t Uint64() override { return value_; }

 private:
  const uint64_t value_;
};

TEST(NewNumericId, HasNineteenDigitsAndFitsAnInt64) {
  for (uint64_t value : {uint64_t{0}, uint64_t{8'223'372'036'854'775'806}, UINT64_MAX}) {
    FixedRandom random(value);
    std::string id = NewNumericId(random);
    int64_t number = 0;
    EXPECT_EQ(id.size(), 19u);
    EXPECT_TRUE(absl::SimpleAtoi(id, &number)) << id;
  }
  SystemRandom random;
  EXPECT_NE(NewNumericId(random), NewNumericId(random));
}

TEST(NewHex, HasTheLengthAsked) {
  FixedRandom random(0xab);
  EXPECT_EQ(NewHex(random, 0), "");
  EXPECT_EQ(NewHex(random, 16), "00000000000000ab");
  EXPECT_EQ(NewHex(random, 17), "00000000000000ab0");
}

}  // namespace
}  // namespace trainyard::base
