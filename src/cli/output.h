// What people and scripts see.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"

namespace trainyard::cli {

enum class Format { kTable, kJson, kYaml };

// Exit codes, for scripts.
inline constexpr int kExitOk = 0;
inline constexpr int kExitError = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitJobFailed = 3;
inline constexpr int kExitJobCancelled = 4;

// Columns as wide as their widest cell; the last one is never padded. Row 0 is the heading.
std::string RenderTable(const std::vector<std::vector<std::string>>& rows);

// proto3 JSON with whitespace, or YAML.
std::string RenderMessage(const google::protobuf::Message& message, Format format);
// A list as one JSON array or YAML sequence.
std::string RenderMessages(const std::vector<const google::protobuf::Message*>& messages,
                           Format format);

// "3m12s", "45s", "2d4h"
std::string ShortDuration(absl::Duration duration);
// "2026-01-02 03:04:05" in local time; "-" for the epoch.
std::string ShortTime(absl::Time time);

// "error: ..." on standard error; the exit code.
int Fail(const absl::Status& status);

}  // namespace trainyard::cli
