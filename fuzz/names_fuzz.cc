// Any bytes as a resource name: what is accepted reads back as itself, and is safe as a part of a
// path.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/log.h"
#include "model/names.h"

namespace {

void CheckSafe(absl::string_view part) {
  CHECK(!part.empty() && part != "." && part != "..");
  CHECK(!absl::StrContains(part, "/") && part.find('\0') == absl::string_view::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  absl::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto location = trainyard::model::ParseLocation(text); location.ok()) {
    CHECK(location->ToString() == text);
    CheckSafe(location->project);
    CheckSafe(location->location);
  }
  if (auto name = trainyard::model::ParseResourceName(text, "customJobs"); name.ok()) {
    CHECK(name->ToString() == text);
    CheckSafe(name->id);
  }
  if (auto operation = trainyard::model::ParseOperationName(text); operation.ok()) {
    auto again = trainyard::model::ParseOperationName(operation->ToString());
    CHECK(again.ok() && *again == *operation);
    CheckSafe(operation->id);
  }
  CHECK(!trainyard::model::ProjectNumber(text).empty());
  return 0;
}
