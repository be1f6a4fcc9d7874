#include "edge/request_budget.h"

#include <gtest/gtest.h>

#include <optional>

namespace trainyard::edge {
namespace {

TEST(RequestBudgetTest, SharesComeBack) {
  RequestBudget budget(100);
  RequestBudget::Share first(budget);
  EXPECT_TRUE(first.TryGrow(60));
  std::optional<RequestBudget::Share> second(std::in_place, budget);
  EXPECT_FALSE(second->TryGrow(41));
  EXPECT_TRUE(second->TryGrow(40));
  EXPECT_FALSE(first.TryGrow(1));
  EXPECT_TRUE(first.TryGrow(0));
  second.reset();
  EXPECT_TRUE(first.TryGrow(40));
  EXPECT_FALSE(first.TryGrow(1));
}

}  // namespace
}  // namespace trainyard::edge
