#include "cli/output.h"

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/worker_pool_spec.h"
#include "google/protobuf/util/json_util.h"

namespace trainyard::cli {
namespace {

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string json;
  auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? json : absl::StrCat("\"cannot be shown: ", status.ToString(), "\"\n");
}

}  // namespace

std::string RenderTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

std::string RenderMessage(const google::protobuf::Message& message, Format format) {
  std::string json = ToJson(message);
  return format == Format::kYaml ? JsonToYaml(json) : json;
}

std::string RenderMessages(const std::vector<const google::protobuf::Message*>& messages,
                           Format format) {
  std::vector<std::string> items;
  for (const auto* message : messages) items.push_back(ToJson(*message));
  std::string json = absl::StrCat("[", absl::StrJoin(items, ","), "]\n");
  return format == Format::kYaml ? JsonToYaml(json) : json;
}

std::string ShortDuration(absl::Duration duration) {
  int64_t seconds = std::max<int64_t>(0, absl::ToInt64Seconds(duration));
  if (seconds < 60) return absl::StrCat(seconds, "s");
  if (seconds < 3600) return absl::StrCat(seconds / 60, "m", seconds % 60, "s");
  if (seconds < 86400) return absl::StrCat(seconds / 3600, "h", seconds / 60 % 60, "m");
  return absl::StrCat(seconds / 86400, "d", seconds / 3600 % 24, "h");
}

std::string ShortTime(absl::Time time) {
  if (time == absl::UnixEpoch()) return "-";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", time, absl::LocalTimeZone());
}

int Fail(const absl::Status& status) {
  std::string message(status.message());
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitError;
}

}  // namespace trainyard::cli
