#include "runner/container.h"

#include <gtest/gtest.h>

namespace trainyard::runner {
namespace {

TEST(InitReport, TakesLinesHoweverTheyAreCut) {
  InitReportParser parser;
  for (char c : std::string("started\nsignal 9\n")) parser.Append(std::string(1, c));
  EXPECT_TRUE(parser.report().started);
  EXPECT_EQ(parser.report().signal, 9);
  EXPECT_FALSE(parser.report().exit_code.has_value());
}

TEST(InitReport, IgnoresWhatItDoesNotKnow) {
  InitReportParser parser;
  parser.Append("\n\nexit\nexit x\nfailed\nhello\n" + std::string(100'000, 'x') + "\nexit 3\nfai");
  EXPECT_FALSE(parser.report().started);
  EXPECT_EQ(parser.report().exec_errno, 0);
  EXPECT_EQ(parser.report().exit_code, 3);
}

TEST(InitReport, BoundsNumbers) {
  InitReportParser parser;
  parser.Append("failed 0\nexit 100000\nsignal -4\n");
  EXPECT_EQ(parser.report().exec_errno, 1);
  EXPECT_EQ(parser.report().exit_code, 255);
  EXPECT_EQ(parser.report().signal, 1);
}

}  // namespace
}  // namespace trainyard::runner
