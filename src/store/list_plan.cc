#include "store/list_plan.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace trainyard::store {
namespace {

using model::Filter;
using model::FilterNode;

constexpr size_t kRangesMax = 16;  // of one alternative; each costs a cursor

std::optional<IndexRange> RangeOf(const FilterNode& node) {
  if (node.kind != FilterNode::Kind::kCompare) return std::nullopt;
  absl::string_view key = node.path;
  bool label = absl::ConsumePrefix(&key, "labels.");
  if (label && node.op == ":" && node.value == "*") {
    return IndexRange{Index::kLabelKey, std::string(key), ""};
  }
  if (node.op != "=") return std::nullopt;
  if (label) return IndexRange{Index::kLabel, std::string(key), node.value};
  if (node.path == "state") return IndexRange{Index::kState, node.value, ""};
  if (node.path == "display_name") return IndexRange{Index::kDisplayName, node.value, ""};
  return std::nullopt;
}

// True when no record lies in both: one field has one value.
bool Disjoint(const IndexRange& a, const IndexRange& b) {
  if (a.index != b.index || a.index == Index::kLabelKey) return false;
  return a.index == Index::kLabel ? a.first == b.first && a.second != b.second : a.first != b.first;
}

std::optional<RangeSet> RangesOf(const FilterNode& node) {
  if (node.kind != FilterNode::Kind::kOr) {
    std::optional<IndexRange> range = RangeOf(node);
    if (!range.has_value()) return std::nullopt;
    return RangeSet{*std::move(range)};
  }
  RangeSet ranges;
  for (const FilterNode& child : node.children) {
    std::optional<IndexRange> range = RangeOf(child);
    if (!range.has_value()) return std::nullopt;
    if (std::find(ranges.begin(), ranges.end(), *range) != ranges.end()) continue;
    bool disjoint = std::all_of(ranges.begin(), ranges.end(),
                                [&](const IndexRange& other) { return Disjoint(*range, other); });
    if (!disjoint || ranges.size() == kRangesMax) return std::nullopt;
    ranges.push_back(*std::move(range));
  }
  return ranges;
}

int64_t FloorMicros(absl::Time time) { return absl::ToUnixMicros(time); }

int64_t AfterMicros(int64_t micros) {
  return micros == std::numeric_limits<int64_t>::max() ? micros : micros + 1;
}

int64_t CeilMicros(absl::Time time) {
  int64_t floor = FloorMicros(time);
  return absl::FromUnixMicros(floor) < time ? AfterMicros(floor) : floor;
}

// Records have whole microseconds, the literal may lie between two.
void BoundTime(const FilterNode& node, ListPlan& plan) {
  if (node.kind != FilterNode::Kind::kCompare || node.path != "create_time" ||
      !node.time.has_value()) {
    return;
  }
  if (node.op == ">" || node.op == ">=" || node.op == "=") {
    int64_t from = node.op == ">" ? AfterMicros(FloorMicros(*node.time)) : CeilMicros(*node.time);
    plan.from_us = std::max(plan.from_us, from);
  }
  if (node.op == "<" || node.op == "<=" || node.op == "=") {
    int64_t before = node.op == "<" ? CeilMicros(*node.time) : AfterMicros(FloorMicros(*node.time));
    plan.before_us = std::min(plan.before_us, before);
  }
}

}  // namespace

ListPlan PlanList(const Filter& filter, bool scoped) {
  ListPlan plan;
  auto use = [&](const FilterNode& term) {
    BoundTime(term, plan);
    std::optional<RangeSet> ranges = scoped ? RangesOf(term) : std::nullopt;
    if (ranges.has_value()) plan.alternatives.push_back(*std::move(ranges));
  };
  if (filter.root.has_value() && filter.root->kind == FilterNode::Kind::kAnd) {
    for (const FilterNode& term : filter.root->children) use(term);
  } else if (filter.root.has_value()) {
    use(*filter.root);
  }
  plan.alternatives.push_back({IndexRange{scoped ? Index::kTime : Index::kKind, "", ""}});
  return plan;
}

}  // namespace trainyard::store
