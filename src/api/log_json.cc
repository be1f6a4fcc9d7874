#include "api/log_json.h"

#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "api/log_entry.h"
#include "api/reply.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace trainyard::api {
namespace {

using google::logging::type::LogSeverity;
using google::logging::v2::LogEntry;
using google::protobuf::Struct;
using google::protobuf::Value;

using Fields = google::protobuf::Map<std::string, Value>;

const Value* Find(const Fields& fields, const std::string& name) {
  auto found = fields.find(name);
  return found == fields.end() ? nullptr : &found->second;
}

std::optional<std::string> TakeString(Fields& fields, const std::string& name) {
  const Value* value = Find(fields, name);
  if (value == nullptr || value->kind_case() != Value::kStringValue) return std::nullopt;
  std::string text = value->string_value();
  fields.erase(name);
  return text;
}

std::optional<double> NumberOf(const Value* value) {
  double number = 0;
  if (value == nullptr) return std::nullopt;
  if (value->kind_case() == Value::kNumberValue) {
    number = value->number_value();
  } else if (value->kind_case() != Value::kStringValue ||
             !absl::SimpleAtod(value->string_value(), &number)) {
    return std::nullopt;
  }
  if (!std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<LogSeverity> ParseSeverity(const Value& value) {
  if (value.kind_case() == Value::kNumberValue) {
    double number = value.number_value();
    bool known = number >= 0 && number <= 800 && std::fmod(number, 100) == 0;
    if (known) return static_cast<LogSeverity>(static_cast<int>(number));
    return std::nullopt;
  }
  std::string name = absl::AsciiStrToUpper(value.string_value());
  if (name == "WARN") name = "WARNING";
  if (name == "FATAL") name = "CRITICAL";
  LogSeverity severity;
  if (!google::logging::type::LogSeverity_Parse(name, &severity)) return std::nullopt;
  return severity;
}

std::optional<absl::Time> TimeOf(double seconds, double nanos) {
  constexpr double kSecondsMax = 253'402'300'799;  // the year 9999
  if (seconds < 0 || seconds > kSecondsMax || nanos < 0 || nanos >= 1e9) return std::nullopt;
  return absl::UnixEpoch() + absl::Seconds(seconds) + absl::Nanoseconds(nanos);
}

std::optional<absl::Time> ParseTime(const Value* value) {
  absl::Time time;
  if (value == nullptr) return std::nullopt;
  if (value->kind_case() == Value::kStringValue &&
      absl::ParseTime(absl::RFC3339_full, value->string_value(), &time, nullptr)) {
    return time;
  }
  if (value->kind_case() != Value::kStructValue) return std::nullopt;
  const Fields& parts = value->struct_value().fields();
  std::optional<double> seconds = NumberOf(Find(parts, "seconds"));
  if (!seconds.has_value()) return std::nullopt;
  return TimeOf(*seconds, NumberOf(Find(parts, "nanos")).value_or(0));
}

// The first form of a time that the line has, and which of its fields make it up.
void LiftTime(absl::Time read, Fields& fields, LogEntry& entry) {
  std::optional<absl::Time> time;
  std::vector<std::string> names;
  for (const char* name : {"time", "timestamp"}) {
    if (time.has_value()) break;
    time = ParseTime(Find(fields, name));
    names = {name};
  }
  if (!time.has_value()) {
    std::optional<double> seconds = NumberOf(Find(fields, "timestampSeconds"));
    if (seconds.has_value()) {
      time = TimeOf(*seconds, NumberOf(Find(fields, "timestampNanos")).value_or(0));
    }
    names = {"timestampSeconds", "timestampNanos"};
  }
  if (!time.has_value() || *time > read || *time < read - kLateness) return;
  *entry.mutable_timestamp() = ToTimestamp(*time);
  for (const std::string& name : names) fields.erase(name);
}

// A part of the line read as a message of the entry; it stays in the payload where it does not fit.
void LiftMessage(const std::string& name, Fields& fields, google::protobuf::Message& message) {
  const Value* value = Find(fields, name);
  if (value == nullptr || value->kind_case() != Value::kStructValue) return;
  std::string json;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  bool read = google::protobuf::util::MessageToJsonString(*value, &json).ok() &&
              google::protobuf::util::JsonStringToMessage(json, &message, options).ok();
  if (read) {
    fields.erase(name);
  } else {
    message.Clear();
  }
}

template <typename Message>
void Lift(const std::string& name, Fields& fields, LogEntry& entry,
          Message* (LogEntry::*mutable_part)()) {
  if (Find(fields, name) == nullptr) return;
  Message part;
  LiftMessage(name, fields, part);
  if (part.ByteSizeLong() > 0) *(entry.*mutable_part)() = std::move(part);
}

void LiftLabels(Fields& fields, LogEntry& entry) {
  const std::string name = "logging.googleapis.com/labels";
  const Value* value = Find(fields, name);
  if (value == nullptr || value->kind_case() != Value::kStructValue) return;
  for (const auto& [key, label] : value->struct_value().fields()) {
    if (label.kind_case() == Value::kStringValue) {
      (*entry.mutable_labels())[key] = label.string_value();
    }
  }
  fields.erase(name);
}

void LiftFields(absl::Time read, Fields& fields, LogEntry& entry) {
  if (const Value* value = Find(fields, "severity")) {
    if (std::optional<LogSeverity> severity = ParseSeverity(*value)) {
      entry.set_severity(*severity);
      fields.erase("severity");
    }
  }
  LiftTime(read, fields, entry);
  if (auto trace = TakeString(fields, "logging.googleapis.com/trace")) {
    entry.set_trace(*std::move(trace));
  }
  if (auto span = TakeString(fields, "logging.googleapis.com/spanId")) {
    entry.set_span_id(*std::move(span));
  }
  const Value* sampled = Find(fields, "logging.googleapis.com/trace_sampled");
  if (sampled != nullptr && sampled->kind_case() == Value::kBoolValue) {
    entry.set_trace_sampled(sampled->bool_value());
    fields.erase("logging.googleapis.com/trace_sampled");
  }
  LiftLabels(fields, entry);
  Lift("httpRequest", fields, entry, &LogEntry::mutable_http_request);
  Lift("logging.googleapis.com/operation", fields, entry, &LogEntry::mutable_operation);
  Lift("logging.googleapis.com/sourceLocation", fields, entry, &LogEntry::mutable_source_location);
}

}  // namespace

bool LiftJson(const std::string& line, absl::Time read, LogEntry& entry) {
  absl::string_view trimmed = absl::StripAsciiWhitespace(line);
  if (trimmed.size() < 2 || trimmed.front() != '{' || trimmed.back() != '}') return false;
  Struct payload;
  if (!google::protobuf::util::JsonStringToMessage(std::string(trimmed), &payload).ok()) {
    return false;
  }
  LiftFields(read, *payload.mutable_fields(), entry);
  *entry.mutable_json_payload() = std::move(payload);
  return true;
}

}  // namespace trainyard::api
