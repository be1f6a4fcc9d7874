// Structured log lines.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "google/logging/v2/log_entry.pb.h"

namespace trainyard::api {

// False, and nothing happens, when `line` is no JSON object. Else sets json_payload and what is
// lifted out of it. `read` is when the line was read.
bool LiftJson(const std::string& line, absl::Time read, google::logging::v2::LogEntry& entry);

}  // namespace trainyard::api
