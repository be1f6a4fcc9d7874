// The list filters of Google's APIs (AIP-160, and Logging's query language as far as clients write
// it) as one parser and one evaluator, for resources and for log entries.
//
//   display_name="x" AND (state="JOB_STATE_FAILED" OR labels.team:*) AND NOT
//   create_time<"2026-01-01T00:00:00Z" resource.type="ml_job" timestamp>=2026-01-01T00:00:00Z
//
// Terms side by side are joined by AND. OR binds tighter than AND, as in AIP-160 and Logging: `a
// AND b OR c` is `a AND (b OR c)`. NOT and `-` negate. AND, OR and NOT are upper case. `--` begins
// a comment that ends with its line. `field=(a OR b)` compares the field with each.
//
// Operators: = != (also =!) < <= > >= and `:`. On a string `:` finds the text anywhere, whatever
// the case, unless the text holds a `*`, which stands for any characters in a match of the whole
// value; `field:*` is true when the field is set. A comparison with a field that is not set is
// false, so `labels.a!="x"` asks for a label and `NOT labels.a="x"` does not. `severity` compares
// by rank.
//
// Field names are read in snake_case and camelCase and become snake_case, but not what follows
// `labels`, `*_labels`, `metadata` or `json_payload`: those are keys of the user. A segment may be
// quoted: labels."a/b.c". Limits: 20,000 bytes, 50 levels. Functions, lists of values (a:"x","y")
// and regular expressions (=~) are refused by name.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
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
  bool quoted = false;               // the literal was in quotes
  std::optional<absl::Time> time;    // the literal as a time: RFC 3339, or a date
  std::optional<double> number;      // the literal as a number
};

// An empty filter matches everything.
struct Filter {
  std::optional<FilterNode> root;
};

// INVALID_ARGUMENT with the column and what was expected there.
absl::StatusOr<Filter> ParseFilter(absl::string_view text);

// nullopt: the field is not set.
using FilterFields = std::function<std::optional<FilterValue>(const std::string& path)>;

// `text_of` gives what a bare word searches (kText); without it no bare word is found.
bool Matches(const Filter& filter, const FilterFields& fields,
             const std::function<std::string()>& text_of = nullptr);

// True when `value` compares with the node's literal as the node says. For kCompare.
bool CompareMatches(const FilterNode& node, const std::optional<FilterValue>& value);

// INVALID_ARGUMENT that names the known fields when the filter uses another; also when a field
// whose name ends in `_time`, or `timestamp`, is compared with what is no time. An entry that ends
// in ".*" allows any key; bare words are refused unless `known` holds "*".
absl::Status CheckFilterFields(const Filter& filter, const std::vector<std::string>& known);

}  // namespace trainyard::model
