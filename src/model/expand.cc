#include <algorithm>

#include "model/custom_job.h"

namespace trainyard::model {
namespace {

// What execve(2) takes as one string. Without it a few variables that double each other would fill
// the memory.
constexpr size_t kBytesMax = 128 << 10;

}  // namespace

std::string ExpandVariables(absl::string_view text,
                            const std::map<std::string, std::string>& variables) {
  std::string result;
  size_t position = 0;
  while (position < text.size()) {
    size_t dollar = text.find('$', position);
    result.append(text.data() + position, std::min(dollar, text.size()) - position);
    if (dollar == absl::string_view::npos) break;
    bool escaped = text.substr(dollar, 3) == "$$(";
    size_t open = escaped ? dollar + 2 : dollar + 1;
    size_t close = text.substr(open, 1) == "(" ? text.find(')', open) : absl::string_view::npos;
    if (close == absl::string_view::npos) {
      result += '$';
      position = dollar + 1;
      continue;
    }
    absl::string_view reference = text.substr(open - 1, close + 1 - (open - 1));
    auto found = variables.find(std::string(text.substr(open + 1, close - open - 1)));
    size_t rest = text.size() - (close + 1);
    if (escaped || found == variables.end() ||
        result.size() + found->second.size() + rest > kBytesMax) {
      result.append(reference.data(), reference.size());
    } else {
      result += found->second;
    }
    position = close + 1;
  }
  return result;
}

}  // namespace trainyard::model
