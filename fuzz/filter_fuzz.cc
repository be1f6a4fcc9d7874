// Any bytes as a list filter: parsed or refused, and what was parsed can be evaluated.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/log.h"
#include "model/filter.h"

namespace {

using trainyard::model::Filter;
using trainyard::model::FilterValue;

std::optional<FilterValue> FieldOf(const std::string& path) {
  switch (path.size() % 5) {
    case 0:
      return FilterValue(path);
    case 1:
      return FilterValue(12.5);
    case 2:
      return FilterValue(true);
    case 3:
      return FilterValue(absl::FromUnixSeconds(1'800'000'000));
    default:
      return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  absl::string_view text(reinterpret_cast<const char*>(data), size);
  absl::StatusOr<Filter> filter = trainyard::model::ParseFilter(text);
  if (!filter.ok()) {
    CHECK(absl::IsInvalidArgument(filter.status()));
    return 0;
  }
  bool matches = trainyard::model::Matches(*filter, FieldOf, [] { return std::string("a text"); });
  if (filter->root.has_value()) {
    // Evaluation keeps to two-valued logic: a negation is the opposite.
    trainyard::model::FilterNode negated{.kind = trainyard::model::FilterNode::Kind::kNot,
                                         .children = {*filter->root}};
    bool opposite = trainyard::model::Matches(Filter{std::move(negated)}, FieldOf,
                                              [] { return std::string("a text"); });
    CHECK(matches != opposite);
  }
  (void)trainyard::model::CheckFilterFields(*filter, {"display_name", "labels.*"});
  return 0;
}
