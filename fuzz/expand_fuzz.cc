// Any bytes as an argument with $(NAME) in it: never longer than the limit allows, and the same as
// before where there is nothing to expand.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/log.h"
#include "model/custom_job.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  absl::string_view text(reinterpret_cast<const char*>(data), size);
  const std::map<std::string, std::string> variables = {
      {"A", "1"}, {"B", "$(A)"}, {"EMPTY", ""}, {"LONG", std::string(50'000, 'x')}};
  std::string expanded = trainyard::model::ExpandVariables(text, variables);
  CHECK(expanded.size() <= std::max<size_t>(size, 128 << 10));
  if (!absl::StrContains(text, "$(")) CHECK(expanded == text);
  if (!absl::StrContains(text, "$$(")) {
    CHECK(trainyard::model::ExpandVariables(text, {}) == text);
  }
  return 0;
}
