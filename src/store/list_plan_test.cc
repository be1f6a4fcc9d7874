#include "store/list_plan.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace trainyard::store {
namespace {

std::string Describe(const IndexRange& range) {
  switch (range.index) {
    case Index::kKind:
      return "kind";
    case Index::kTime:
      return "time";
    case Index::kState:
      return absl::StrCat("state ", range.first);
    case Index::kDisplayName:
      return absl::StrCat("name ", range.first);
    case Index::kLabel:
      return absl::StrCat("label ", range.first, "=", range.second);
    case Index::kLabelKey:
      return absl::StrCat("label ", range.first);
  }
  return "?";
}

// "state A + state B; time": alternatives, each with its ranges.
std::string Describe(const ListPlan& plan) {
  return absl::StrJoin(plan.alternatives, "; ", [](std::string* out, const RangeSet& ranges) {
    out->append(absl::StrJoin(ranges, " + ", [](std::string* each, const IndexRange& range) {
      each->append(Describe(range));
    }));
  });
}

TEST(PlanList, FindsTheIndexesThatServe) {
  struct Case {
    const char* filter;
    const char* plan;
  };
  const Case cases[] = {
      {"", "time"},
      {"state=A", "state A; time"},
      {"state=A AND display_name=x labels.k=v", "state A; name x; label k=v; time"},
      {"labels.k:*", "label k; time"},
      {"labels.a.b/c=v", "label a.b/c=v; time"},
      {"state=A OR state=B OR state=A", "state A + state B; time"},
      {"(state=A OR state=B) AND display_name=x", "state A + state B; name x; time"},
      {"labels.k=v OR labels.k=w", "label k=v + label k=w; time"},
      // One record may lie in both.
      {"labels.k=v OR labels.j=w", "time"},
      {"labels.k:* OR labels.j:*", "time"},
      {"state=A OR display_name=x", "time"},
      // Not the whole answer.
      {"state=A OR create_time>2026-01-01", "time"},
      {"NOT state=A", "time"},
      {"state!=A", "time"},
      {"display_name:x*", "time"},
      {"(state=A AND display_name=x) OR state=B", "time"},
      {"other=1", "time"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Describe(PlanList(*model::ParseFilter(c.filter), true)), c.plan) << c.filter;
    EXPECT_EQ(Describe(PlanList(*model::ParseFilter(c.filter), false)), "kind") << c.filter;
  }
  std::string many = "state=S0";
  for (int i = 1; i < 16; ++i) absl::StrAppend(&many, " OR state=S", i);
  EXPECT_EQ(PlanList(*model::ParseFilter(many), true).alternatives[0].size(), 16u);
  EXPECT_EQ(Describe(PlanList(*model::ParseFilter(many + " OR state=S16"), true)), "time");
}

TEST(PlanList, BoundsTheTime) {
  constexpr int64_t kMin = INT64_MIN, kMax = INT64_MAX;
  constexpr int64_t kNoon = 1'767'268'800'000'000;  // 2026-01-01T12:00:00Z
  struct Case {
    const char* filter;
    int64_t from_us, before_us;
  };
  const Case cases[] = {
      {"state=A", kMin, kMax},
      {"create_time>2026-01-01T12:00:00Z", kNoon + 1, kMax},
      {"create_time>=2026-01-01T12:00:00Z", kNoon, kMax},
      {"create_time<2026-01-01T12:00:00Z", kMin, kNoon},
      {"create_time<=2026-01-01T12:00:00Z", kMin, kNoon + 1},
      {"create_time=2026-01-01T12:00:00Z", kNoon, kNoon + 1},
      {"create_time!=2026-01-01T12:00:00Z", kMin, kMax},
      {"create_time>2026-01-01T12:00:00.0000005Z", kNoon + 1, kMax},
      {"create_time>=2026-01-01T12:00:00.0000005Z", kNoon + 1, kMax},
      {"create_time<2026-01-01T12:00:00.0000005Z", kMin, kNoon + 1},
      {"create_time<=2026-01-01T12:00:00.0000005Z", kMin, kNoon + 1},
      {"create_time=2026-01-01T12:00:00.0000005Z", kNoon + 1, kNoon + 1},
      {"create_time>2026-01-01T12:00:00Z create_time>2025-01-01T12:00:00Z", kNoon + 1, kMax},
      {"create_time>2026-01-01T12:00:00Z OR state=A", kMin, kMax},
      {"NOT create_time>2026-01-01T12:00:00Z", kMin, kMax},
  };
  for (const Case& c : cases) {
    ListPlan plan = PlanList(*model::ParseFilter(c.filter), true);
    EXPECT_EQ(plan.from_us, c.from_us) << c.filter;
    EXPECT_EQ(plan.before_us, c.before_us) << c.filter;
  }
}

}  // namespace
}  // namespace trainyard::store
