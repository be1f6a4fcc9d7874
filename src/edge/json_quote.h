// JSON documents written piece by piece, for the few whose order of fields people read.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "edge/json_text.h"

namespace trainyard::edge {

// `text` as a JSON string with its quotes, on one line.
inline std::string QuoteJson(absl::string_view text) {
  std::string json;
  AppendJsonString(text, json);
  return json;
}

}  // namespace trainyard::edge
