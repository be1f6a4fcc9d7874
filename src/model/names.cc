#include "model/names.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace trainyard::model {
namespace {

constexpr size_t kSegmentLengthMax = 128;
constexpr size_t kNameLengthMax = 1024;

// Letters, digits and "-_.:@": no separator, no space, nothing that a path or a URL reads
// otherwise.
bool IsSegment(absl::string_view text) {
  if (text.empty() || text.size() > kSegmentLengthMax || text == "." || text == "..") return false;
  for (char c : text) {
    if (!absl::ascii_isalnum(c) && !absl::StrContains("-_.:@", absl::string_view(&c, 1))) {
      return false;
    }
  }
  return true;
}

absl::Status BadName(absl::string_view name, absl::string_view expected) {
  if (name.size() > kSegmentLengthMax) name = name.substr(0, kSegmentLengthMax);
  return absl::InvalidArgumentError(
      absl::StrCat("Resource name \"", name, "\" is invalid: expected ", expected, "."));
}

// The segments of a name, each well-formed; empty when one is not.
std::vector<std::string> SegmentsOf(absl::string_view name) {
  if (name.size() > kNameLengthMax) return {};
  std::vector<std::string> segments = absl::StrSplit(name, '/');
  for (const std::string& segment : segments) {
    if (!IsSegment(segment)) return {};
  }
  return segments;
}

bool StartsWithLocation(const std::vector<std::string>& segments) {
  return segments.size() >= 4 && segments[0] == "projects" && segments[2] == "locations";
}

}  // namespace

std::string Location::ToString() const {
  return absl::StrCat("projects/", project, "/locations/", location);
}

std::string ResourceName::ToString() const {
  return absl::StrCat(parent.ToString(), "/", collection, "/", id);
}

absl::StatusOr<Location> ParseLocation(absl::string_view name) {
  std::vector<std::string> segments = SegmentsOf(name);
  if (!StartsWithLocation(segments) || segments.size() != 4) {
    return BadName(name, "projects/{project}/locations/{location}");
  }
  return Location{segments[1], segments[3]};
}

absl::StatusOr<ResourceName> ParseResourceName(absl::string_view name,
                                               absl::string_view collection) {
  std::vector<std::string> segments = SegmentsOf(name);
  if (!StartsWithLocation(segments) || segments.size() != 6 || segments[4] != collection) {
    return BadName(name,
                   absl::StrCat("projects/{project}/locations/{location}/", collection, "/{id}"));
  }
  return ResourceName{{segments[1], segments[3]}, segments[4], segments[5]};
}

absl::StatusOr<ResourceName> ParseOperationName(absl::string_view name) {
  std::vector<std::string> segments = SegmentsOf(name);
  size_t count = segments.size();
  if (!StartsWithLocation(segments) || count < 6 || count % 2 != 0 ||
      segments[count - 2] != "operations") {
    return BadName(name,
                   "projects/{project}/locations/{location}/operations/{id}, or the same below a "
                   "resource");
  }
  return ResourceName{{segments[1], segments[3]}, "operations", segments[count - 1]};
}

const std::vector<std::string>& Regions() {
  static const auto& regions = *new std::vector<std::string>{
      "africa-south1",
      "asia-east1",
      "asia-east2",
      "asia-northeast1",
      "asia-northeast2",
      "asia-northeast3",
      "asia-south1",
      "asia-south2",
      "asia-southeast1",
      "asia-southeast2",
      "australia-southeast1",
      "australia-southeast2",
      "europe-central2",
      "europe-north1",
      "europe-north2",
      "europe-southwest1",
      "europe-west1",
      "europe-west12",
      "europe-west2",
      "europe-west3",
      "europe-west4",
      "europe-west6",
      "europe-west8",
      "europe-west9",
      "me-central1",
      "me-central2",
      "me-west1",
      "northamerica-northeast1",
      "northamerica-northeast2",
      "southamerica-east1",
      "southamerica-west1",
      "us-central1",
      "us-east1",
      "us-east4",
      "us-east5",
      "us-east7",
      "us-south1",
      "us-west1",
      "us-west2",
      "us-west3",
      "us-west4",
      "us-west8",
  };
  return regions;
}

std::string ProjectNumber(absl::string_view project) {
  bool all_digits = !project.empty();
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (char c : project) {
    all_digits = all_digits && absl::ascii_isdigit(c);
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  if (all_digits) return std::string(project);
  hash ^= hash >> 32;  // the low digits of FNV alone are weak
  return absl::StrCat(100'000'000'000u + hash % 900'000'000'000u);
}

}  // namespace trainyard::model
