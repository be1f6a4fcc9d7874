#include "edge/resource_check.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/log.h"
#include "edge/errors.h"

namespace trainyard::edge {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Google's are of 6 to 30 characters, with "example.com:" before some; people also test with "p".
constexpr size_t kProjectBytesMax = 100;

bool IsWellFormedProject(absl::string_view project) {
  if (project.empty() || project.size() > kProjectBytesMax || !absl::ascii_isalnum(project[0])) {
    return false;
  }
  return std::all_of(project.begin(), project.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.' || c == ':';
  });
}

bool Contains(const std::vector<std::string>& list, absl::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

absl::Status Missing(absl::string_view field_path) {
  return InvalidFields(
      {{std::string(field_path), absl::StrCat("Required field '", field_path, "' is not set.")}});
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ResourcesOf(const Message& request,
                                                     absl::string_view field_path) {
  if (field_path.empty()) return std::vector<std::string>{""};
  const Message* at = &request;
  const std::vector<std::string> names = absl::StrSplit(field_path, '.');
  for (size_t i = 0; i + 1 < names.size(); ++i) {
    const FieldDescriptor* field = at->GetDescriptor()->FindFieldByName(names[i]);
    CHECK(field != nullptr && field->message_type() != nullptr && !field->is_repeated());
    at = &at->GetReflection()->GetMessage(*at, field);
  }
  const FieldDescriptor* field = at->GetDescriptor()->FindFieldByName(names.back());
  CHECK(field != nullptr && field->type() == FieldDescriptor::TYPE_STRING);
  std::vector<std::string> values;
  if (field->is_repeated()) {
    for (int i = 0; i < at->GetReflection()->FieldSize(*at, field); ++i) {
      values.push_back(at->GetReflection()->GetRepeatedString(*at, field, i));
    }
  } else {
    values.push_back(at->GetReflection()->GetString(*at, field));
  }
  if (values.empty() || Contains(values, "")) return Missing(field_path);
  return values;
}

absl::Status CheckPlace(absl::string_view resource, const ServedPlaces& places) {
  const std::vector<absl::string_view> parts = absl::StrSplit(resource, '/');
  if (parts.size() < 2 || parts[0] != "projects") return absl::OkStatus();
  if (!IsWellFormedProject(parts[1])) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", parts[1].substr(0, kProjectBytesMax), "' is not a project id."));
  }
  if (!places.projects.empty() && !Contains(places.projects, parts[1])) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Project '", parts[1],
        "' is not served here; the projects are: ", absl::StrJoin(places.projects, ", "), "."));
  }
  if (parts.size() < 4 || parts[2] != "locations" || Contains(places.locations, parts[3])) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "Location '", parts[3].substr(0, 100),
      "' is not served here; the locations are: ", absl::StrJoin(places.locations, ", "), "."));
}

}  // namespace trainyard::edge
