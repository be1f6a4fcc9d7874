// What a log filter says about where to look, so that a read touches no more than it must.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "model/filter.h"

namespace trainyard::api {

// Everything that can match lies within; not everything within matches.
struct LogBounds {
  std::optional<std::set<std::string>> jobs;   // resource.labels.job_id; nullopt: any
  std::optional<std::set<std::string>> tasks;  // resource.labels.task_name
  absl::Time since = absl::InfinitePast();     // inclusive
  absl::Time until = absl::InfiniteFuture();   // inclusive
};

LogBounds BoundsOf(const model::Filter& filter);

}  // namespace trainyard::api
