#include "edge/http_handler.h"

#include <algorithm>

namespace trainyard::edge {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

const std::string* Find(const Pairs& pairs, absl::string_view name) {
  auto found = std::find_if(pairs.begin(), pairs.end(),
                            [&](const auto& item) { return item.first == name; });
  return found == pairs.end() ? nullptr : &found->second;
}

}  // namespace

absl::string_view HttpRequest::Header(absl::string_view lower_case_name) const {
  const std::string* value = Find(headers, lower_case_name);
  return value == nullptr ? absl::string_view() : *value;
}

absl::string_view HttpRequest::Query(absl::string_view name) const {
  const std::string* value = Find(query, name);
  return value == nullptr ? absl::string_view() : *value;
}

bool HttpRequest::HasQuery(absl::string_view name) const { return Find(query, name) != nullptr; }

}  // namespace trainyard::edge
