#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "logs/logs.h"
#include "logs/segment.h"

namespace trainyard::logs {
namespace {

constexpr size_t kTasksMax = 100'000;

}  // namespace

std::string Cursor::ToString() const {
  std::string text;
  for (const auto& [task, sequence] : tasks) {
    absl::StrAppend(&text, text.empty() ? "" : ",", task, ":", sequence);
  }
  return text;
}

absl::StatusOr<Cursor> Cursor::Parse(absl::string_view text) {
  Cursor cursor;
  if (text.empty()) return cursor;
  for (absl::string_view item : absl::StrSplit(text, ',')) {
    std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(item, ':');
    uint64_t sequence = 0;
    bool sound = IsSafeName(parts.first) && absl::SimpleAtoi(parts.second, &sequence) &&
                 item.size() == parts.first.size() + 1 + parts.second.size() &&
                 (cursor.tasks.empty() || cursor.tasks.back().first < parts.first) &&
                 cursor.tasks.size() < kTasksMax;
    if (!sound) return absl::InvalidArgumentError("The log cursor is not one of this server's.");
    cursor.tasks.emplace_back(std::string(parts.first), sequence);
  }
  return cursor;
}

}  // namespace trainyard::logs
