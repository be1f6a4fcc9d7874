#include <string>

#include "gtest/gtest.h"
#include "model/custom_job.h"

namespace trainyard::model {
namespace {

TEST(ExpandTest, Table) {
  const std::map<std::string, std::string> variables = {
      {"A", "1"}, {"EMPTY", ""}, {"B", "$(A)"}, {"WITH SPACE", "2"}};
  struct Case {
    const char* text;
    const char* expected;
  };
  const Case cases[] = {
      {"", ""},
      {"plain", "plain"},
      {"$(A)", "1"},
      {"x$(A)y$(A)z", "x1y1z"},
      {"$(EMPTY)", ""},
      {"$(B)", "$(A)"},
      {"$(NONE)", "$(NONE)"},
      {"$(WITH SPACE)", "2"},
      {"$$(A)", "$(A)"},
      {"$$(NONE)", "$(NONE)"},
      {"$$$(A)", "$$(A)"},
      {"$$$$(A)", "$$$(A)"},
      {"$", "$"},
      {"$$", "$$"},
      {"$(", "$("},
      {"$$(", "$$("},
      {"$(A", "$(A"},
      {"$()", "$()"},
      {"$A ${A} $((A))", "$A ${A} $((A))"},
      {"cost: 5$ $(A)", "cost: 5$ 1"},
      {"--dir=$(A)/$(NONE)/$(A)", "--dir=1/$(NONE)/1"},
  };
  for (const Case& c : cases) EXPECT_EQ(ExpandVariables(c.text, variables), c.expected) << c.text;
}

TEST(ExpandTest, StaysSmall) {
  std::map<std::string, std::string> variables = {{"A", std::string(100'000, 'a')}};
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "$(A)";
  EXPECT_LE(ExpandVariables(text, variables).size(), 128u << 10);
  EXPECT_LE(ExpandVariables("$(A)" + std::string(50'000, 'x'), variables).size(), 128u << 10);
}

}  // namespace
}  // namespace trainyard::model
