// The list filters of Google's APIs (AIP-160 subset) as one parser and one evaluator, for resources
// and for log entries.
//
//   display_name="x" AND (state="JOB_STATE_FAILED" OR labels.team:*) AND NOT
//   create_time<"2026-01-01T00:00:00Z" resource.type="ml_job" timestamp>="..." (juxtaposition is
//   AND, as gcloud logging writes it)
//
// Operators: = != < <= > >= and `:` (has; with a string field: contains a word, `*` is a wildcard;
// `:*` is "is set"). AND binds less tightly than OR in Logging's grammar and in AIP-160 (OR binds
// tighter); NOT and `-` negate. Field names match in snake_case and camelCase; they are normalised
// to snake_case. Limits: 20,000 characters, depth 50.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace trainyard::model {

// A field's value as a filter sees it. Enums are strings.
using FilterValue = std::variant<bool, double, std::string, absl::Time>;

struct FilterNode {
  enum class Kind { kAnd, kOr, kNot, kCompare, kText };
  Kind kind = Kind::kAnd;
  std::vector<FilterNode> children;  // kAnd, kOr; kNot has one
  std::string path;                  // kCompare: "labels.team", snake_case but for map keys
  std::string op;                    // kCompare: "=", "!=", "<", "<=", ">", ">=", ":"
  std::string value;                 // kCompare, kText: the literal, unquoted and unescaped
  bool quoted = false;               // a quoted `*` is no wildcard
};

// An empty filter matches everything.
struct Filter {
  std::optional<FilterNode> root;
};

// INVALID_ARGUMENT with the column and what was expected there.
absl::StatusOr<Filter> ParseFilter(absl::string_view text);

// nullopt: the field is not set.
using FilterFields = std::function<std::optional<FilterValue>(const std::string& path)>;

// `text_of` gives what a bare word searches (kText); may return an empty string.
bool Matches(const Filter& filter, const FilterFields& fields,
             const std::function<std::string()>& text_of = nullptr);

// INVALID_ARGUMENT that names the known fields when the filter uses another. An entry that ends in
// ".*" allows any key.
absl::Status CheckFilterFields(const Filter& filter, const std::vector<std::string>& known);

}  // namespace trainyard::model
