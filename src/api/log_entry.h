// A line of a job's log as Cloud Logging shows it.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "google/logging/v2/log_entry.pb.h"
#include "logs/logs.h"
#include "model/filter.h"

namespace trainyard::api {

// Whose line it is.
struct LogSource {
  std::string project;
  std::string job_id;
};

// A line that names its own time may be late by this much; a later one keeps the time at which it
// was read. So who asks for entries up to 5 s ago, as gcloud does, misses none.
inline constexpr absl::Duration kLateness = absl::Seconds(5);

// A plain line becomes text_payload. A line that is a JSON object becomes json_payload, and the
// fields that Cloud Logging knows are lifted out of it: severity, time (or timestamp,
// timestampSeconds and timestampNanos), httpRequest, and below logging.googleapis.com/ trace,
// spanId, trace_sampled, labels, operation and sourceLocation. insertId stays where it is: ours
// orders lines of the same time.
google::logging::v2::LogEntry MakeLogEntry(const LogSource& source, const logs::TaskLine& line);

// "INFO", "ERROR": of a plain line.
const char* SeverityOf(const logs::Line& line);

// What a filter finds under a path; for CheckFilterFields the paths there are.
std::optional<model::FilterValue> LogEntryField(const google::logging::v2::LogEntry& entry,
                                                const std::string& path);
const std::vector<std::string>& LogEntryFields();

// What a bare word of a filter searches.
std::string LogEntryText(const google::logging::v2::LogEntry& entry);

}  // namespace trainyard::api
