#include "sched/resource_text.h"

#include <gtest/gtest.h>

namespace trainyard::sched {
namespace {

TEST(ResourceText, Cpu) {
  const struct {
    int64_t milli;
    const char* want;
  } kCases[] = {{0, "0"},       {100, "0.1"},   {1000, "1"},   {1500, "1.5"},
                {1250, "1.25"}, {1999, "1.99"}, {96000, "96"}, {-5, "0"}};
  for (const auto& c : kCases) EXPECT_EQ(CpuText(c.milli), c.want);
}

TEST(ResourceText, Memory) {
  const struct {
    int64_t bytes;
    const char* want;
  } kCases[] = {{0, "0 GiB"},
                {1 << 20, "1 MiB"},
                {int64_t{1} << 30, "1 GiB"},
                {int64_t{15} << 30, "15 GiB"},
                {(int64_t{15} << 29), "7.5 GiB"},
                {(int64_t{1} << 30) - 1, "1023.99 MiB"},
                {int64_t{12} << 40, "12288 GiB"},
                {-1, "0 GiB"}};
  for (const auto& c : kCases) EXPECT_EQ(MemoryText(c.bytes), c.want);
}

TEST(ResourceText, Names) {
  EXPECT_EQ(NamesText({}), "");
  EXPECT_EQ(NamesText({"projects/p/customJobs/17"}), "17");
  EXPECT_EQ(NamesText({"17", "18"}), "17 and 18");
  EXPECT_EQ(NamesText({"17", "18", "19"}), "17, 18 and 19");
  EXPECT_EQ(NamesText({"17", "18", "19", "20", "21"}), "17, 18, 19 and 2 more");
}

}  // namespace
}  // namespace trainyard::sched
