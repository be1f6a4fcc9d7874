// Pages of the log entries of several jobs, in one order, from the place where the last page ended.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "api/log_bounds.h"
#include "api/log_entry.h"
#include "google/logging/v2/log_entry.pb.h"
#include "logs/logs.h"
#include "model/filter.h"

namespace trainyard::api {

// Where a line stands among the lines of all jobs, by when it was read.
struct LogPlace {
  int64_t time_us = 0;
  std::string task;
  uint64_t sequence = 0;
  std::string job_id;

  auto Tie() const { return std::tie(time_us, task, sequence, job_id); }
  bool operator<(const LogPlace& other) const { return Tie() < other.Tie(); }

  // Opaque text for clients; `bound_to` is what it may be used with again.
  std::string ToToken(absl::string_view bound_to) const;
  // INVALID_ARGUMENT: no such token, or of another query.
  static absl::StatusOr<LogPlace> FromToken(absl::string_view token, absl::string_view bound_to);
};

struct LogQuery {
  std::vector<LogSource> sources;
  model::Filter filter;
  LogBounds bounds;
  bool newest_first = false;
  std::optional<LogPlace> after;  // the last place of the page before
  size_t page_size = 0;
  size_t lines_max = 0;  // read in all; a page may be short for it and still have a next one
};

struct LogPage {
  std::vector<google::logging::v2::LogEntry> entries;  // by timestamp, then insert_id
  std::optional<LogPlace> next;                        // nullopt: the end
};

absl::StatusOr<LogPage> ReadLogPage(const logs::Reader& reader, const LogQuery& query);

}  // namespace trainyard::api
