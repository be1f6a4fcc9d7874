// Which jobs a log request may look at.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "api/log_entry.h"
#include "base/mutex.h"
#include "store/store.h"

namespace trainyard::api {

// A log belongs to a project as its job does: what has no record has no log. Threads: any.
class LogSources {
 public:
  LogSources(store::Store& store, std::vector<std::string> locations)
      : store_(store), locations_(std::move(locations)) {}

  // The jobs with these ids that are the project's.
  std::vector<LogSource> Named(const std::string& project, const std::set<std::string>& job_ids)
      EXCLUDES(mutex_);
  // Every job of the project. INVALID_ARGUMENT, with what to add to the filter, when there are more
  // than a request can read.
  absl::StatusOr<std::vector<LogSource>> All(const std::string& project);

 private:
  // The location of a job, by asking each; remembered, since clients that follow a log ask often.
  bool Exists(const std::string& project, const std::string& job_id) EXCLUDES(mutex_);

  store::Store& store_;
  const std::vector<std::string> locations_;
  base::Mutex mutex_;
  std::map<std::string, std::string> names_ GUARDED_BY(mutex_);  // "project/id" -> resource name
};

}  // namespace trainyard::api
