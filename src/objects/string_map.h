// A map of strings as one string: "<length>:<bytes>" for each key and each value.
#pragma once

#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace trainyard::objects {

std::string EncodeMap(const std::map<std::string, std::string>& map);
// What is not well-formed ends the map.
std::map<std::string, std::string> DecodeMap(absl::string_view text);

}  // namespace trainyard::objects
