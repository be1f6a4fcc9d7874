// Which parts of which indexes hold all that a filter can match.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/filter.h"

namespace trainyard::store {

enum class Index { kKind, kTime, kState, kDisplayName, kLabel, kLabelKey };

// The entries of one index with these leading columns; they lie in the order of lists.
struct IndexRange {
  Index index = Index::kTime;
  std::string first;   // state, display name, or the label's key
  std::string second;  // kLabel: the label's value

  auto operator<=>(const IndexRange&) const = default;
};

// Disjoint ranges that together hold all that can match.
using RangeSet = std::vector<IndexRange>;

struct ListPlan {
  std::vector<RangeSet> alternatives;  // each suffices; never empty: the last is by time alone
  int64_t from_us = INT64_MIN;         // create_time, inclusive
  int64_t before_us = INT64_MAX;       // create_time, exclusive
};

// `scoped`: of one parent. Lists over all parents have no index but the order itself.
ListPlan PlanList(const model::Filter& filter, bool scoped);

}  // namespace trainyard::store
