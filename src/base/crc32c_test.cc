#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace trainyard::base {
namespace {

std::string Counting(int first, int step) {
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes.push_back(static_cast<char>(first + i * step));
  return bytes;
}

struct Case {
  std::string bytes;
  uint32_t crc;
};

// The first four are the examples of RFC 3720, B.4.
const Case kCases[] = {
    {std::string(32, '\0'), 0x8a9136aau},
    {std::string(32, '\xff'), 0x62a8ab43u},
    {Counting(0, 1), 0x46dd794eu},
    {Counting(31, -1), 0x113fdb5cu},
    {"123456789", 0xe3069283u},
    {"", 0u},
    {"a", 0xc1d04330u},
};

TEST(Crc32c, KnownValues) {
  for (const Case& test : kCases) {
    EXPECT_EQ(Crc32c(test.bytes), test.crc);
    EXPECT_EQ(ExtendCrc32cPortable(0, test.bytes), test.crc);
  }
}

TEST(Crc32c, PortableAndHardwareAgreeAtEveryLengthAlignmentAndSplit) {
  SeededRandom random(7);
  std::string bytes;
  for (int i = 0; i < 300; ++i) bytes.push_back(static_cast<char>(random.Uint64()));
  for (size_t start = 0; start < 9; ++start) {
    for (size_t length = 0; start + length <= bytes.size(); length += 1 + length / 8) {
      absl::string_view piece = absl::string_view(bytes).substr(start, length);
      uint32_t whole = ExtendCrc32cPortable(0, piece);
      EXPECT_EQ(Crc32c(piece), whole);
      size_t split = random.Below(length + 1);
      EXPECT_EQ(ExtendCrc32c(Crc32c(piece.substr(0, split)), piece.substr(split)), whole);
    }
  }
}

}  // namespace
}  // namespace trainyard::base
