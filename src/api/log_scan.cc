#include "api/log_scan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"

namespace trainyard::api {
namespace {

using google::logging::v2::LogEntry;

constexpr int kReadLines = 1000;

struct Candidate {
  LogPlace place;
  LogEntry entry;
};

// What was found of one job, and how far it was read.
struct Scan {
  std::vector<Candidate> found;
  LogPlace reached;
  bool ended = false;
};

uint64_t Fingerprint(absl::string_view text) {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

LogPlace PlaceOf(const LogSource& source, const logs::TaskLine& line) {
  return {absl::ToUnixMicros(line.line.time), line.task, line.line.sequence, source.job_id};
}

bool IsBefore(const LogQuery& query, const LogPlace& a, const LogPlace& b) {
  return query.newest_first ? b < a : a < b;
}

logs::ReadOptions OptionsOf(const LogQuery& query) {
  logs::ReadOptions options;
  options.newest_first = query.newest_first;
  options.lines_max = kReadLines;
  if (query.bounds.tasks.has_value() && query.bounds.tasks->size() == 1) {
    options.task = *query.bounds.tasks->begin();
  }
  options.since = query.bounds.since;
  if (query.bounds.until < absl::InfiniteFuture()) {
    options.until = query.bounds.until + kLateness + absl::Microseconds(1);
  }
  if (!query.after.has_value()) return options;
  absl::Time at = absl::FromUnixMicros(query.after->time_us);
  if (query.newest_first) {
    options.until = std::min(options.until, at + absl::Microseconds(1));
  } else {
    options.since = std::max(options.since, at);
  }
  return options;
}

bool IsWanted(const LogQuery& query, const LogEntry& entry) {
  return model::Matches(
      query.filter, [&](const std::string& path) { return LogEntryField(entry, path); },
      [&] { return LogEntryText(entry); });
}

absl::StatusOr<Scan> ScanJob(const logs::Reader& reader, const LogQuery& query,
                             const LogSource& source, size_t lines_max) {
  Scan scan;
  logs::Cursor cursor;
  const logs::ReadOptions options = OptionsOf(query);
  for (size_t read = 0; read < lines_max && scan.found.size() < query.page_size;) {
    ASSIGN_OR_RETURN(std::vector<logs::TaskLine> lines,
                     reader.Read(source.job_id, cursor, options));
    scan.ended = lines.empty();
    if (scan.ended) break;
    for (const logs::TaskLine& line : lines) {
      LogPlace place = PlaceOf(source, line);
      scan.reached = place;
      // Of the last page, at the same time; not counted, for there may be very many.
      if (query.after.has_value() && !IsBefore(query, *query.after, place)) continue;
      ++read;
      LogEntry entry = MakeLogEntry(source, line);
      if (IsWanted(query, entry)) scan.found.push_back({std::move(place), std::move(entry)});
    }
  }
  return scan;
}

void SortByTime(bool newest_first, std::vector<LogEntry>& entries) {
  std::stable_sort(entries.begin(), entries.end(), [&](const LogEntry& a, const LogEntry& b) {
    auto key = [](const LogEntry& entry) {
      return std::make_tuple(entry.timestamp().seconds(), entry.timestamp().nanos(),
                             absl::string_view(entry.insert_id()));
    };
    return newest_first ? key(b) < key(a) : key(a) < key(b);
  });
}

}  // namespace

std::string LogPlace::ToToken(absl::string_view bound_to) const {
  return absl::WebSafeBase64Escape(
      absl::StrCat(Fingerprint(bound_to), "|", time_us, "|", task, "|", sequence, "|", job_id));
}

absl::StatusOr<LogPlace> LogPlace::FromToken(absl::string_view token, absl::string_view bound_to) {
  LogPlace place;
  std::string text;
  uint64_t fingerprint = 0;
  std::vector<std::string> parts;
  if (absl::WebSafeBase64Unescape(token, &text)) parts = absl::StrSplit(text, '|');
  bool good = parts.size() == 5 && absl::SimpleAtoi(parts[0], &fingerprint) &&
              absl::SimpleAtoi(parts[1], &place.time_us) &&
              absl::SimpleAtoi(parts[3], &place.sequence);
  if (!good) return absl::InvalidArgumentError("page_token: is not one that this method gave out.");
  if (fingerprint != Fingerprint(bound_to)) {
    return absl::InvalidArgumentError(
        "page_token: belongs to another request; filter, order_by and resource_names must stay as "
        "they were.");
  }
  place.task = parts[2];
  place.job_id = parts[4];
  return place;
}

absl::StatusOr<LogPage> ReadLogPage(const logs::Reader& reader, const LogQuery& query) {
  std::vector<Candidate> found;
  std::optional<LogPlace> complete;  // up to here every job was read; nullopt: to the end
  size_t share = query.lines_max / std::max<size_t>(1, query.sources.size());
  for (const LogSource& source : query.sources) {
    ASSIGN_OR_RETURN(Scan scan,
                     ScanJob(reader, query, source, std::max<size_t>(share, kReadLines)));
    std::move(scan.found.begin(), scan.found.end(), std::back_inserter(found));
    if (scan.ended) continue;
    if (!complete.has_value() || IsBefore(query, scan.reached, *complete)) complete = scan.reached;
  }
  auto before = [&](const Candidate& a, const Candidate& b) {
    return IsBefore(query, a.place, b.place);
  };
  std::sort(found.begin(), found.end(), before);
  LogPage page;
  page.next = complete;
  for (Candidate& candidate : found) {
    if (complete.has_value() && IsBefore(query, *complete, candidate.place)) break;
    page.entries.push_back(std::move(candidate.entry));
    if (page.entries.size() == query.page_size && &candidate != &found.back()) {
      page.next = std::move(candidate.place);
      break;
    }
  }
  SortByTime(query.newest_first, page.entries);
  return page;
}

}  // namespace trainyard::api
