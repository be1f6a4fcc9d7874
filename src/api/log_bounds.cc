#include "api/log_bounds.h"

#include <algorithm>

namespace trainyard::api {
namespace {

using model::FilterNode;

using Names = std::optional<std::set<std::string>>;

Names Intersection(const Names& a, const Names& b) {
  if (!a.has_value()) return b;
  if (!b.has_value()) return a;
  std::set<std::string> both;
  std::set_intersection(a->begin(), a->end(), b->begin(), b->end(),
                        std::inserter(both, both.end()));
  return both;
}

Names Union(const Names& a, const Names& b) {
  if (!a.has_value() || !b.has_value()) return std::nullopt;
  std::set<std::string> either = *a;
  either.insert(b->begin(), b->end());
  return either;
}

LogBounds BoundsOfNode(const FilterNode& node);

LogBounds BoundsOfCompare(const FilterNode& node) {
  LogBounds bounds;
  if (node.path == "resource.labels.job_id" && node.op == "=") bounds.jobs.emplace({node.value});
  if (node.path == "resource.labels.task_name" && node.op == "=") {
    bounds.tasks.emplace({node.value});
  }
  if (node.path == "timestamp" && node.time.has_value()) {
    if (node.op == ">" || node.op == ">=" || node.op == "=") bounds.since = *node.time;
    if (node.op == "<" || node.op == "<=" || node.op == "=") bounds.until = *node.time;
  }
  return bounds;
}

LogBounds BoundsOfAnd(const FilterNode& node) {
  LogBounds bounds;
  for (const FilterNode& child : node.children) {
    LogBounds part = BoundsOfNode(child);
    bounds.jobs = Intersection(bounds.jobs, part.jobs);
    bounds.tasks = Intersection(bounds.tasks, part.tasks);
    bounds.since = std::max(bounds.since, part.since);
    bounds.until = std::min(bounds.until, part.until);
  }
  return bounds;
}

LogBounds BoundsOfOr(const FilterNode& node) {
  if (node.children.empty()) return {};
  LogBounds bounds = BoundsOfNode(node.children[0]);
  for (const FilterNode& child : node.children) {
    LogBounds part = BoundsOfNode(child);
    bounds.jobs = Union(bounds.jobs, part.jobs);
    bounds.tasks = Union(bounds.tasks, part.tasks);
    bounds.since = std::min(bounds.since, part.since);
    bounds.until = std::max(bounds.until, part.until);
  }
  return bounds;
}

LogBounds BoundsOfNode(const FilterNode& node) {
  switch (node.kind) {
    case FilterNode::Kind::kCompare:
      return BoundsOfCompare(node);
    case FilterNode::Kind::kAnd:
      return BoundsOfAnd(node);
    case FilterNode::Kind::kOr:
      return BoundsOfOr(node);
    default:
      return {};
  }
}

}  // namespace

LogBounds BoundsOf(const model::Filter& filter) {
  return filter.root.has_value() ? BoundsOfNode(*filter.root) : LogBounds();
}

}  // namespace trainyard::api
