#include "api/log_entry.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "api/log_json.h"
#include "api/reply.h"
#include "model/valid_utf8.h"

namespace trainyard::api {

using google::logging::v2::LogEntry;

const char* SeverityOf(const logs::Line& line) {
  bool error = line.stream == logs::Stream::kStderr || line.error;
  return error ? "ERROR" : "INFO";
}

LogEntry MakeLogEntry(const LogSource& source, const logs::TaskLine& line) {
  LogEntry entry;
  entry.set_log_name(absl::StrCat("projects/", source.project, "/logs/", line.task));
  entry.mutable_resource()->set_type("ml_job");
  auto& labels = *entry.mutable_resource()->mutable_labels();
  labels["project_id"] = source.project;
  labels["job_id"] = source.job_id;
  labels["task_name"] = line.task;
  // Ordered like the lines of one time: by task, then by sequence; the job makes it unique.
  entry.set_insert_id(absl::StrFormat("%s.%016x.%s", line.task, line.line.sequence, source.job_id));
  *entry.mutable_timestamp() = ToTimestamp(line.line.time);
  *entry.mutable_receive_timestamp() = entry.timestamp();
  bool is_error = SeverityOf(line.line)[0] == 'E';
  entry.set_severity(is_error ? google::logging::type::ERROR : google::logging::type::INFO);
  if (line.line.continued) (*entry.mutable_labels())["trainyard/continued"] = "true";
  std::string text = model::ValidUtf8(line.line.text);
  if (line.line.stream == logs::Stream::kService || !LiftJson(text, line.line.time, entry)) {
    entry.set_text_payload(std::move(text));
  }
  return entry;
}

}  // namespace trainyard::api
