#include "objects/string_map.h"

#include <cstdint>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace trainyard::objects {
namespace {

std::optional<std::string> TakeString(absl::string_view& text) {
  size_t colon = text.find(':');
  uint64_t length = 0;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(text.substr(0, colon), &length) ||
      length > text.size() - colon - 1) {
    return std::nullopt;
  }
  std::string value(text.substr(colon + 1, length));
  text.remove_prefix(colon + 1 + length);
  return value;
}

}  // namespace

std::string EncodeMap(const std::map<std::string, std::string>& map) {
  std::string text;
  for (const auto& [key, value] : map) {
    absl::StrAppend(&text, key.size(), ":", key, value.size(), ":", value);
  }
  return text;
}

std::map<std::string, std::string> DecodeMap(absl::string_view text) {
  std::map<std::string, std::string> map;
  while (!text.empty()) {
    std::optional<std::string> key = TakeString(text);
    std::optional<std::string> value = key.has_value() ? TakeString(text) : std::nullopt;
    if (!value.has_value()) break;
    map[*std::move(key)] = *std::move(value);
  }
  return map;
}

}  // namespace trainyard::objects
