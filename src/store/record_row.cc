#include "store/record_row.h"

#include <utility>

#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace trainyard::store {
namespace {

void AppendSized(absl::string_view text, std::string& out) {
  uint32_t size = static_cast<uint32_t>(text.size());
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(size >> shift & 0xff);
  out.append(text.data(), text.size());
}

// As much as there is, should the disk have damaged the bytes.
absl::string_view TakeSized(absl::string_view& bytes) {
  uint32_t size = 0;
  for (size_t i = 0; i < 4 && i < bytes.size(); ++i) {
    size |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  bytes = absl::ClippedSubstr(bytes, 4);
  absl::string_view text = bytes.substr(0, size);
  bytes.remove_prefix(text.size());
  return text;
}

}  // namespace

std::string EncodeLabels(const std::map<std::string, std::string>& labels) {
  std::string bytes;
  for (const auto& [key, value] : labels) {
    AppendSized(key, bytes);
    AppendSized(value, bytes);
  }
  return bytes;
}

std::map<std::string, std::string> DecodeLabels(absl::string_view bytes) {
  std::map<std::string, std::string> labels;
  while (!bytes.empty()) {
    std::string key(TakeSized(bytes));
    labels.emplace_hint(labels.end(), std::move(key), std::string(TakeSized(bytes)));
  }
  return labels;
}

std::optional<std::string> FindLabel(absl::string_view bytes, absl::string_view key) {
  while (!bytes.empty()) {
    bool found = TakeSized(bytes) == key;
    absl::string_view value = TakeSized(bytes);
    if (found) return std::string(value);
  }
  return std::nullopt;
}

std::optional<model::FilterValue> RecordRow::Column(const std::string& path,
                                                    bool& is_column) const {
  is_column = true;
  if (path == "create_time") return absl::FromUnixMicros(statement_.Int64(1));
  if (path == "state") {
    absl::string_view state = statement_.Text(2);
    if (state.empty()) return std::nullopt;
    return std::string(state);
  }
  if (path == "name") return std::string(statement_.Text(3));
  if (path == "display_name") return std::string(statement_.Text(4));
  if (path == "labels") {
    if (statement_.Text(5).empty()) return std::nullopt;
    return true;
  }
  absl::string_view key = path;
  if (absl::ConsumePrefix(&key, "labels.")) return FindLabel(statement_.Text(5), key);
  is_column = false;
  return std::nullopt;
}

Record RecordRow::ToRecord(const std::string& kind, const std::string& parent) const {
  return Record{.kind = kind,
                .name = std::string(statement_.Text(3)),
                .parent = parent,
                .state = std::string(statement_.Text(2)),
                .live = statement_.Int64(6) != 0,
                .display_name = std::string(statement_.Text(4)),
                .labels = DecodeLabels(statement_.Text(5)),
                .create_time = absl::FromUnixMicros(statement_.Int64(1)),
                .value = std::string(statement_.Text(9)),
                .revision = statement_.Int64(7)};
}

}  // namespace trainyard::store
