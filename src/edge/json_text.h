// How single values are written in proto3 JSON, and read from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace trainyard::edge {

// In double quotes. '<' and '>' are escaped, so that a browser never takes the text for markup;
// bytes that are no UTF-8 become U+FFFD.
void AppendJsonString(absl::string_view text, std::string& out);

// The shortest text that reads back as the same number; "NaN" and "Infinity" in quotes.
void AppendJsonNumber(double value, std::string& out);
void AppendJsonNumber(float value, std::string& out);

// Integers, also written as 1.0 or 1e3. Nothing where the text is no integer of that range.
std::optional<int64_t> ParseSigned(absl::string_view text, int bits);
std::optional<uint64_t> ParseUnsigned(absl::string_view text, int bits);
std::optional<double> ParseDouble(absl::string_view text);

// Standard or URL-safe alphabet, with padding or without.
std::optional<std::string> ParseBase64(absl::string_view text);

// google.protobuf.Timestamp and Duration.
struct SecondsNanos {
  int64_t seconds = 0;
  int32_t nanos = 0;
};
// "2026-01-02T03:04:05.678Z", any offset. "3.5s". With 0, 3, 6 or 9 digits out. Nothing out of
// range.
std::optional<SecondsNanos> ParseTimestamp(absl::string_view text);
std::optional<SecondsNanos> ParseDuration(absl::string_view text);
std::optional<std::string> TimestampText(SecondsNanos value);
std::optional<std::string> DurationText(SecondsNanos value);

// One path of a google.protobuf.FieldMask: "jobSpec.network" <-> "job_spec.network".
std::string SnakePath(absl::string_view path);
std::string CamelPath(absl::string_view path);

}  // namespace trainyard::edge
