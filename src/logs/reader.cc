#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "logs/logs.h"
#include "logs/task_log.h"

namespace trainyard::logs {
namespace {

// What a line costs beside its text.
constexpr uint64_t kLineOverheadBytes = sizeof(TaskLine);

struct Source {
  std::string task;
  TaskLog log;
  std::optional<Line> head;
  uint64_t mark = 0;  // the cursor's
};

// One task's line that comes next of all, or nullptr at the end.
template <typename Before>
Source* FirstOf(std::vector<Source>& sources, Before before) {
  Source* first = nullptr;
  for (Source& source : sources) {
    if (!source.head.has_value()) continue;
    if (first == nullptr || before(source, *first)) first = &source;
  }
  return first;
}

bool IsEarlier(const Source& a, const Source& b) {
  if (a.head->time != b.head->time) return a.head->time < b.head->time;
  return a.task < b.task;
}

absl::Status Advance(Source& source, const ReadOptions& options) {
  Line line;
  ASSIGN_OR_RETURN(bool more,
                   options.newest_first ? source.log.Previous(line) : source.log.Next(line));
  bool wanted =
      more && (options.newest_first ? line.time >= options.since : line.time < options.until);
  source.head = wanted ? std::make_optional(std::move(line)) : std::nullopt;
  return absl::OkStatus();
}

std::optional<uint64_t> MarkOf(const Cursor& cursor, const std::string& task) {
  auto entry =
      std::lower_bound(cursor.tasks.begin(), cursor.tasks.end(), task,
                       [](const auto& item, const auto& name) { return item.first < name; });
  if (entry == cursor.tasks.end() || entry->first != task) return std::nullopt;
  return entry->second;
}

void SetMark(Cursor& cursor, const std::string& task, uint64_t mark) {
  auto entry =
      std::lower_bound(cursor.tasks.begin(), cursor.tasks.end(), task,
                       [](const auto& item, const auto& name) { return item.first < name; });
  if (entry == cursor.tasks.end() || entry->first != task) {
    entry = cursor.tasks.insert(entry, {task, 0});
  }
  entry->second = mark;
}

absl::Status OpenForward(Source& source, const Cursor& cursor, const ReadOptions& options) {
  source.mark = MarkOf(cursor, source.task).value_or(0);
  RETURN_IF_ERROR(source.log.SeekForward(source.mark, options.since));
  RETURN_IF_ERROR(Advance(source, options));
  // A log that lost its tail with the machine's power is shorter than what was read of it.
  if (!source.head.has_value() && source.log.end_sequence() > 0) {
    source.mark = std::min(source.mark, source.log.end_sequence() - 1);
  }
  return absl::OkStatus();
}

absl::Status OpenBackward(Source& source, const Cursor& cursor, const ReadOptions& options) {
  uint64_t unknown =
      cursor.tasks.empty() ? UINT64_MAX : 1;  // 1: the task came after the first page
  source.mark = MarkOf(cursor, source.task).value_or(unknown);
  RETURN_IF_ERROR(source.log.SeekBackward(source.mark, options.until));
  RETURN_IF_ERROR(Advance(source, options));
  source.mark = source.head.has_value() ? source.head->sequence + 1 : 1;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<TaskLine>> Reader::Read(const std::string& job_id, Cursor& cursor,
                                                   const ReadOptions& options) const {
  ASSIGN_OR_RETURN(std::vector<std::string> tasks, ListTasks(job_id));
  std::vector<Source> sources;
  for (const std::string& task : tasks) {
    if (!options.task.empty() && options.task != task) continue;
    ASSIGN_OR_RETURN(std::vector<SegmentFile> segments,
                     ListSegments(disk_, absl::StrCat(root_, "/", job_id, "/", task)));
    sources.push_back({task, TaskLog(disk_, std::move(segments)), std::nullopt, 0});
    RETURN_IF_ERROR(options.newest_first ? OpenBackward(sources.back(), cursor, options)
                                         : OpenForward(sources.back(), cursor, options));
  }
  std::vector<TaskLine> lines;
  uint64_t bytes = 0;
  while (lines.size() < static_cast<size_t>(std::max(options.lines_max, 0))) {
    Source* first = options.newest_first
                        ? FirstOf(sources, [](auto& a, auto& b) { return IsEarlier(b, a); })
                        : FirstOf(sources, IsEarlier);
    if (first == nullptr) break;
    bytes += first->head->text.size() + kLineOverheadBytes;
    if (!lines.empty() && bytes > options.bytes_max) break;
    first->mark = first->head->sequence;
    lines.push_back({first->task, *std::move(first->head)});
    RETURN_IF_ERROR(Advance(*first, options));
  }
  for (const Source& source : sources) {
    bool known = source.mark > 0 || MarkOf(cursor, source.task).has_value();
    if (known) SetMark(cursor, source.task, source.mark);
  }
  return lines;
}

absl::StatusOr<std::vector<std::string>> Reader::ListJobs() const {
  absl::StatusOr<std::vector<std::string>> names = disk_.List(root_);
  if (absl::IsNotFound(names.status())) return std::vector<std::string>();
  if (names.ok()) std::erase_if(*names, [](const std::string& name) { return !IsSafeName(name); });
  return names;
}

absl::StatusOr<std::vector<std::string>> Reader::ListTasks(const std::string& job_id) const {
  if (!IsSafeName(job_id)) return std::vector<std::string>();
  absl::StatusOr<std::vector<std::string>> names = disk_.List(absl::StrCat(root_, "/", job_id));
  if (absl::IsNotFound(names.status())) return std::vector<std::string>();
  if (names.ok()) std::erase_if(*names, [](const std::string& name) { return !IsSafeName(name); });
  return names;
}

absl::Status Reader::RemoveJob(const std::string& job_id) const {
  if (!IsSafeName(job_id)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", job_id, "\" is no job's id."));
  }
  return disk_.RemoveTree(absl::StrCat(root_, "/", job_id));
}

absl::StatusOr<std::vector<std::string>> Reader::RemoveOlderThan(absl::Time time) const {
  std::vector<std::string> removed;
  ASSIGN_OR_RETURN(std::vector<std::string> jobs, ListJobs());
  for (const std::string& job : jobs) {
    absl::Time newest = absl::InfinitePast();
    ASSIGN_OR_RETURN(std::vector<std::string> tasks, ListTasks(job));
    for (const std::string& task : tasks) {
      ASSIGN_OR_RETURN(std::vector<SegmentFile> segments,
                       ListSegments(disk_, absl::StrCat(root_, "/", job, "/", task)));
      if (segments.empty()) continue;
      absl::StatusOr<base::FileInfo> info = disk_.Stat(segments.back().path);
      newest = std::max(newest, info.ok() ? info->modified : absl::InfiniteFuture());
    }
    if (newest >= time || newest == absl::InfinitePast()) continue;
    RETURN_IF_ERROR(RemoveJob(job));
    removed.push_back(job);
  }
  return removed;
}

}  // namespace trainyard::logs
