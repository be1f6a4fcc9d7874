// What a filter sees of a log entry.
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "api/log_entry.h"
#include "api/reply.h"
#include "google/protobuf/util/json_util.h"

namespace trainyard::api {
namespace {

using google::logging::v2::LogEntry;
using google::protobuf::Value;
using model::FilterValue;

using Found = std::optional<FilterValue>;

template <typename Map>
Found Label(const Map& labels, absl::string_view key) {
  auto found = labels.find(std::string(key));
  if (found == labels.end()) return std::nullopt;
  return FilterValue(std::string(found->second));
}

std::string JsonOf(const google::protobuf::Message& message) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json).ok()) json.clear();
  return json;
}

Found ValueOf(const Value& value) {
  switch (value.kind_case()) {
    case Value::kStringValue:
      return FilterValue(value.string_value());
    case Value::kNumberValue:
      return FilterValue(value.number_value());
    case Value::kBoolValue:
      return FilterValue(value.bool_value());
    case Value::kStructValue:
    case Value::kListValue:
      return FilterValue(JsonOf(value));
    default:
      return std::nullopt;
  }
}

// "a.b" within the payload; a key that holds dots itself is found too.
Found Payload(const google::protobuf::Struct& payload, absl::string_view path) {
  auto whole = payload.fields().find(std::string(path));
  if (whole != payload.fields().end()) return ValueOf(whole->second);
  size_t dot = path.find('.');
  if (dot == absl::string_view::npos) return std::nullopt;
  auto part = payload.fields().find(std::string(path.substr(0, dot)));
  if (part == payload.fields().end() || !part->second.has_struct_value()) return std::nullopt;
  return Payload(part->second.struct_value(), path.substr(dot + 1));
}

Found Text(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return FilterValue(text);
}

Found Simple(const LogEntry& entry, const std::string& path) {
  if (path == "timestamp") return FilterValue(FromTimestamp(entry.timestamp()));
  if (path == "receive_timestamp") return FilterValue(FromTimestamp(entry.receive_timestamp()));
  if (path == "severity") {
    return FilterValue(google::logging::type::LogSeverity_Name(entry.severity()));
  }
  if (path == "log_name") return Text(entry.log_name());
  if (path == "insert_id") return Text(entry.insert_id());
  if (path == "resource.type") return Text(entry.resource().type());
  if (path == "trace") return Text(entry.trace());
  if (path == "span_id") return Text(entry.span_id());
  if (path == "text_payload" && entry.has_text_payload()) {
    return FilterValue(entry.text_payload());
  }
  if (path == "json_payload" && entry.has_json_payload()) {
    return FilterValue(JsonOf(entry.json_payload()));
  }
  return std::nullopt;
}

}  // namespace

Found LogEntryField(const LogEntry& entry, const std::string& path) {
  absl::string_view rest = path;
  if (absl::ConsumePrefix(&rest, "resource.labels.")) {
    return Label(entry.resource().labels(), rest);
  }
  if (absl::ConsumePrefix(&rest, "labels.")) return Label(entry.labels(), rest);
  if (absl::ConsumePrefix(&rest, "json_payload.")) {
    return entry.has_json_payload() ? Payload(entry.json_payload(), rest) : std::nullopt;
  }
  return Simple(entry, path);
}

const std::vector<std::string>& LogEntryFields() {
  static const auto& fields = *new std::vector<std::string>{"timestamp",     "receive_timestamp",
                                                            "severity",      "log_name",
                                                            "insert_id",     "text_payload",
                                                            "json_payload",  "json_payload.*",
                                                            "resource.type", "resource.labels.*",
                                                            "labels.*",      "trace",
                                                            "span_id",       "*"};
  return fields;
}

std::string LogEntryText(const LogEntry& entry) {
  return entry.has_text_payload() ? entry.text_payload() : JsonOf(entry.json_payload());
}

}  // namespace trainyard::api
