#include "runtime/local/catalog.h"

#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

extern "C" {
extern const char trainyard_lock_python_begin[], trainyard_lock_python_end[];
extern const char trainyard_lock_sklearn16_begin[], trainyard_lock_sklearn16_end[];
}

namespace trainyard::runtime {
namespace {

constexpr absl::string_view kTrainingPath = "docker.pkg.dev/vertex-ai/training/";

// What a name is compared by: without Google's region, without Docker Hub's implied parts, with its
// tag.
std::string Canonical(absl::string_view image_uri) {
  absl::string_view name = image_uri;
  for (absl::string_view region : {"us-", "europe-", "asia-"}) {
    if (absl::StartsWith(name, absl::StrCat(region, kTrainingPath)))
      absl::ConsumePrefix(&name, region);
  }
  absl::ConsumePrefix(&name, "docker.io/");
  absl::ConsumePrefix(&name, "library/");
  absl::string_view last =
      name.substr(name.rfind('/') == absl::string_view::npos ? 0 : name.rfind('/'));
  if (!absl::StrContains(last, ':')) return absl::StrCat(name, ":latest");
  return std::string(name);
}

struct Entry {
  absl::string_view canonical;
  absl::string_view shown;
  absl::string_view environment;
  const char* begin;
  const char* end;
};

const std::array<Entry, 5>& Entries() {
  static constexpr absl::string_view kSklearn =
      "docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest";
  static const std::array<Entry, 5> kEntries = {{
      {kSklearn, "us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest", "scikit-learn-1.6",
       trainyard_lock_sklearn16_begin, trainyard_lock_sklearn16_end},
      {"python:3.11", "python:3.11", "python", trainyard_lock_python_begin,
       trainyard_lock_python_end},
      {"python:3.11-slim", "python:3.11-slim", "python", trainyard_lock_python_begin,
       trainyard_lock_python_end},
      {"python:3", "python:3", "python", trainyard_lock_python_begin, trainyard_lock_python_end},
      {"python:3.11-bookworm", "python:3.11-bookworm", "python", trainyard_lock_python_begin,
       trainyard_lock_python_end},
  }};
  return kEntries;
}

bool IsNameCharacter(char c) {
  return absl::ascii_islower(static_cast<unsigned char>(c)) ||
         absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-' ||
         c == '/';
}

bool IsTagCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
}

absl::Status Malformed(absl::string_view image_uri, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("Image \"", image_uri, "\" is not a valid image name: ", why,
                   ". Expected [HOST[:PORT]/]PATH[:TAG][@sha256:DIGEST], for example ",
                   Entries()[0].shown, "."));
}

}  // namespace

absl::Status CheckImageName(absl::string_view image_uri) {
  if (image_uri.empty()) return Malformed(image_uri, "it is empty");
  if (image_uri.size() > 512)
    return Malformed(image_uri.substr(0, 64), "it is longer than 512 characters");
  absl::string_view rest = image_uri;
  if (size_t at = rest.find('@'); at != absl::string_view::npos) {
    absl::string_view digest = rest.substr(at + 1);
    if (!absl::ConsumePrefix(&digest, "sha256:") || digest.size() != 64) {
      return Malformed(image_uri, "what follows @ is no sha256 digest");
    }
    rest = rest.substr(0, at);
  }
  size_t slash = rest.rfind('/');
  size_t colon = rest.rfind(':');
  if (colon != absl::string_view::npos && (slash == absl::string_view::npos || colon > slash)) {
    absl::string_view tag = rest.substr(colon + 1);
    if (tag.empty() || tag.size() > 128)
      return Malformed(image_uri, "its tag is empty or too long");
    for (char c : tag) {
      if (!IsTagCharacter(c))
        return Malformed(image_uri, "its tag has a character that none may have");
    }
    rest = rest.substr(0, colon);
  }
  for (absl::string_view part : absl::StrSplit(rest, '/')) {
    if (part.empty()) return Malformed(image_uri, "a part of its path is empty");
  }
  for (char c : rest) {
    // A port in the host is the only other colon; upper case is legal in a host alone.
    if (!IsNameCharacter(c) && !(c == ':' && slash != absl::string_view::npos)) {
      return Malformed(image_uri, absl::StrCat("\"", std::string(1, c), "\" may not stand in it"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Environment> FindEnvironment(absl::string_view image_uri) {
  if (absl::Status status = CheckImageName(image_uri); !status.ok()) return status;
  std::string canonical = Canonical(image_uri);
  for (const Entry& entry : Entries()) {
    if (entry.canonical == canonical) {
      return Environment{
          std::string(entry.environment),
          absl::string_view(entry.begin, static_cast<size_t>(entry.end - entry.begin))};
    }
  }
  return absl::NotFoundError(absl::StrCat(
      "Image \"", image_uri,
      "\" is not in this server's catalogue. It has: ", absl::StrJoin(KnownImages(), ", "), "."));
}

std::vector<std::string> KnownImages() {
  std::vector<std::string> names;
  for (const Entry& entry : Entries()) names.emplace_back(entry.shown);
  return names;
}

}  // namespace trainyard::runtime
