#include "objects/object_name.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace trainyard::objects {
namespace {

constexpr size_t kObjectNameBytesMax = 1024;
constexpr size_t kPathPartBytesMax = 255;

absl::Status BadBucket(absl::string_view name, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat("Invalid bucket name '", name, "': ", rule));
}

absl::Status BadObject(absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat("Invalid object name: ", rule));
}

bool LooksLikeAddress(absl::string_view name) {
  return std::count(name.begin(), name.end(), '.') == 3 &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return absl::ascii_isdigit(c) || c == '.'; });
}

// Length of the UTF-8 character that starts here; 0 when there is none.
size_t CharacterLength(absl::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  auto continues = [&](size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!continues(1) || !continues(2)) return 0;
    bool overlong = first == 0xe0 && byte(1) < 0xa0;
    bool surrogate = first == 0xed && byte(1) >= 0xa0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    bool overlong = first == 0xf0 && byte(1) < 0x90;
    bool beyond = first == 0xf4 && byte(1) >= 0x90;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    size_t length = CharacterLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

absl::Status CheckBucketName(absl::string_view name) {
  bool dotted = absl::StrContains(name, '.');
  if (name.size() < 3 || name.size() > (dotted ? 222 : 63)) {
    return BadBucket(name, "it must have 3 to 63 characters (222 with dots).");
  }
  bool letters = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_' || c == '.';
  });
  if (!letters) {
    return BadBucket(name, "only lower-case letters, digits, '-', '_' and '.' are allowed.");
  }
  auto bounds = [](unsigned char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); };
  if (!bounds(static_cast<unsigned char>(name.front())) ||
      !bounds(static_cast<unsigned char>(name.back()))) {
    return BadBucket(name, "it must start and end with a letter or a digit.");
  }
  for (absl::string_view part : absl::StrSplit(name, '.')) {
    if (part.empty() || part.size() > 63) {
      return BadBucket(name, "each part between dots must have 1 to 63 characters.");
    }
  }
  if (LooksLikeAddress(name)) return BadBucket(name, "it must not look like an IP address.");
  if (absl::StartsWith(name, "goog") || absl::StrContains(name, "google")) {
    return BadBucket(name, "it must not start with 'goog' or contain 'google'.");
  }
  return absl::OkStatus();
}

absl::Status CheckObjectName(absl::string_view name) {
  if (name.empty()) return BadObject("it is empty.");
  if (name.size() > kObjectNameBytesMax) return BadObject("it has more than 1024 bytes.");
  if (!IsUtf8(name)) return BadObject("it is not UTF-8.");
  if (name.find_first_of(absl::string_view("\r\n\0", 3)) != absl::string_view::npos) {
    return BadObject("it contains a carriage return, a line feed or a NUL.");
  }
  if (absl::StartsWith(name, ".well-known/acme-challenge/")) {
    return BadObject("it starts with '.well-known/acme-challenge/'.");
  }
  absl::string_view path = name;
  if (IsPlaceholder(path)) path.remove_suffix(1);
  for (absl::string_view part : absl::StrSplit(path, '/')) {
    if (part.empty()) {
      return BadObject(absl::StrCat("'", name,
                                    "' has an empty part; here objects are files, so "
                                    "'//' and a leading '/' are not supported."));
    }
    if (part == "." || part == "..") {
      return BadObject(absl::StrCat("'", name, "' has a part '", part,
                                    "'; here objects are files, so this is not supported."));
    }
    if (part.size() > kPathPartBytesMax) {
      return BadObject(
          "a part between slashes has more than 255 bytes, the limit of a file's name.");
    }
  }
  return absl::OkStatus();
}

bool IsObjectName(absl::string_view name) { return CheckObjectName(name).ok(); }

bool IsPlaceholder(absl::string_view name) { return absl::EndsWith(name, "/"); }

std::pair<std::string, std::string> SplitPath(absl::string_view path) {
  size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return {"", std::string(path)};
  return {std::string(path.substr(0, slash)), std::string(path.substr(slash + 1))};
}

}  // namespace trainyard::objects
