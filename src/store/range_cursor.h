// Walks ranges of indexes in the order of lists: newest first.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/list_plan.h"
#include "store/page_token.h"
#include "store/record_row.h"
#include "store/sqlite_connection.h"

namespace trainyard::store {

// Which rows of a range a cursor visits.
struct Bounds {
  int64_t scope = 0;  // of the table `scope`: kind and parent, or for Index::kKind the kind
  int64_t from_us = INT64_MIN;
  int64_t before_us = INT64_MAX;
  std::optional<Position> after;  // only what comes after it
};

// All rows of a set of disjoint ranges, merged. Each step costs two lookups; memory does not depend
// on the size of the ranges. `connection` and `ranges` outlive it.
class RangeCursor {
 public:
  static absl::StatusOr<RangeCursor> Open(Connection& connection, const RangeSet& ranges,
                                          const Bounds& bounds);
  // False at the end. Before the first row it has to be called once.
  absl::StatusOr<bool> Next();
  RecordRow row() const { return RecordRow(*current_->statement); }

 private:
  // One range. What shares `after`'s time comes first, from a statement of its own.
  struct Branch {
    std::optional<Statement> ties;
    Statement rest;
    const Statement* statement = nullptr;  // stands on a row; nullptr at the end
  };

  absl::Status Advance(Branch& branch);

  std::vector<std::unique_ptr<Branch>> branches_;
  Branch* current_ = nullptr;
  bool started_ = false;
};

// How many entries the ranges hold within the bounds, counting no further than `count_max`.
absl::StatusOr<int64_t> CountUpTo(Connection& connection, const RangeSet& ranges,
                                  const Bounds& bounds, int64_t count_max);

}  // namespace trainyard::store
