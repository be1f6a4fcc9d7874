#include "model/field_format.h"

#include <arpa/inet.h>
#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace trainyard::model {
namespace {

constexpr size_t kLabelLengthMax = 64;

template <typename Predicate>
bool All(absl::string_view text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(), predicate);
}

// The next code point of valid UTF-8; moves `text` on.
uint32_t TakeCodePoint(absl::string_view& text) {
  auto lead = static_cast<unsigned char>(text[0]);
  size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  length = std::min(length, text.size());
  uint32_t point = length == 1 ? lead : lead & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3F);
  }
  text.remove_prefix(length);
  return point;
}

// Letters beyond ASCII, by the C library's tables for UTF-8.
class Letters {
 public:
  Letters() : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {}
  ~Letters() {
    if (locale_ != nullptr) freelocale(locale_);
  }
  Letters(const Letters&) = delete;
  Letters& operator=(const Letters&) = delete;
  bool IsLowerOrCaseless(uint32_t point) const {
    if (locale_ == nullptr) return true;
    return iswalpha_l(point, locale_) != 0 && iswupper_l(point, locale_) == 0;
  }

 private:
  locale_t locale_;
};

bool IsLabel(absl::string_view text, bool key) {
  std::unique_ptr<Letters> letters;  // made for the first code point beyond ASCII
  size_t count = 0;
  for (absl::string_view rest = text; !rest.empty(); ++count) {
    uint32_t point = TakeCodePoint(rest);
    bool letter = point >= 'a' && point <= 'z';
    if (point >= 0x80) {
      if (letters == nullptr) letters = std::make_unique<Letters>();
      letter = letters->IsLowerOrCaseless(point);
    }
    bool other = (point >= '0' && point <= '9') || point == '_' || point == '-';
    if (!letter && (!other || (key && count == 0))) return false;
  }
  return count <= kLabelLengthMax && !(key && count == 0);
}

bool IsPathSegment(absl::string_view segment) { return segment != "." && segment != ".."; }

bool IsBucketName(absl::string_view name) {
  if (name.size() < 3 || name.size() > 222) return false;
  if (!absl::ascii_isalnum(name.front()) || !absl::ascii_isalnum(name.back())) return false;
  return !absl::StrContains(name, "..") && All(name, [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace

size_t CountCodePoints(absl::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

bool IsCIdentifier(absl::string_view text) {
  return !text.empty() && !absl::ascii_isdigit(text[0]) &&
         All(text, [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

bool IsPythonModule(absl::string_view text) {
  for (absl::string_view part : absl::StrSplit(text, '.')) {
    if (part.empty() || absl::ascii_isdigit(part[0])) return false;
    // A Python identifier may hold letters of any script.
    if (!All(part, [](char c) {
          return absl::ascii_isalnum(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
        })) {
      return false;
    }
  }
  return true;
}

bool IsDnsLabel(absl::string_view text) {
  if (text.empty() || text.size() > 63) return false;
  if (!absl::ascii_islower(text.front()) || text.back() == '-') return false;
  return All(text,
             [](char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-'; });
}

bool IsEmail(absl::string_view text) {
  size_t at = text.find('@');
  if (at == absl::string_view::npos || at == 0 || text.size() > 254) return false;
  absl::string_view domain = text.substr(at + 1);
  if (domain.empty() || domain.front() == '.' || domain.back() == '.') return false;
  return All(text.substr(0, at),
             [](char c) {
               return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-' || c == '+';
             }) &&
         All(domain, [](char c) { return absl::ascii_isalnum(c) || c == '.' || c == '-'; });
}

bool IsIpAddress(absl::string_view text) {
  if (absl::StrContains(text, absl::string_view("\0", 1))) return false;
  std::string address(text);
  unsigned char buffer[sizeof(in6_addr)];
  return inet_pton(AF_INET, address.c_str(), buffer) == 1 ||
         inet_pton(AF_INET6, address.c_str(), buffer) == 1;
}

bool IsGcsUri(absl::string_view text, bool needs_object) {
  if (!absl::ConsumePrefix(&text, "gs://")) return false;
  size_t slash = text.find('/');
  absl::string_view object =
      slash == absl::string_view::npos ? absl::string_view() : text.substr(slash + 1);
  if (!IsBucketName(text.substr(0, slash))) return false;
  if (object.empty()) return !needs_object;
  if (object.size() > 1024) return false;
  if (!All(object, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; })) {
    return false;
  }
  for (absl::string_view segment : absl::StrSplit(object, '/')) {
    if (!IsPathSegment(segment) || (needs_object && segment.empty())) return false;
  }
  return true;
}

absl::string_view BucketOf(absl::string_view uri) {
  absl::ConsumePrefix(&uri, "gs://");
  return uri.substr(0, uri.find('/'));
}

bool IsResourceName(absl::string_view text, absl::string_view pattern) {
  while (true) {
    size_t text_end = text.find('/');
    size_t pattern_end = pattern.find('/');
    absl::string_view segment = text.substr(0, text_end);
    absl::string_view expected = pattern.substr(0, pattern_end);
    bool good = segment == expected;
    if (expected == "*") {
      good = !segment.empty() && IsPathSegment(segment) && All(segment, [](char c) {
        return absl::ascii_isalnum(c) || absl::StrContains("-_.:@", absl::string_view(&c, 1));
      });
    } else if (expected == "#") {
      good = !segment.empty() && All(segment, absl::ascii_isdigit);
    }
    bool text_ends = text_end == absl::string_view::npos;
    bool pattern_ends = pattern_end == absl::string_view::npos;
    if (!good || text_ends != pattern_ends) return false;
    if (text_ends) return true;
    text.remove_prefix(text_end + 1);
    pattern.remove_prefix(pattern_end + 1);
  }
}

bool IsPrebuiltTrainingImage(absl::string_view uri) {
  static constexpr absl::string_view kPlaces[] = {
      "us-docker.pkg.dev/vertex-ai/training/",   "europe-docker.pkg.dev/vertex-ai/training/",
      "asia-docker.pkg.dev/vertex-ai/training/", "gcr.io/cloud-aiplatform/training/",
      "us.gcr.io/cloud-aiplatform/training/",    "eu.gcr.io/cloud-aiplatform/training/",
      "asia.gcr.io/cloud-aiplatform/training/"};
  for (absl::string_view place : kPlaces) {
    absl::string_view name = uri;
    if (absl::ConsumePrefix(&name, place)) return !name.empty() && !absl::StrContains(name, "/");
  }
  return false;
}

bool IsRelativePath(absl::string_view text) {
  for (absl::string_view segment : absl::StrSplit(text, '/')) {
    if (segment.empty() || !IsPathSegment(segment)) return false;
    if (!All(segment, [](char c) { return absl::ascii_isprint(c); })) return false;
  }
  return true;
}

bool IsLabelKey(absl::string_view text) { return IsLabel(text, true); }

bool IsLabelValue(absl::string_view text) { return IsLabel(text, false); }

bool IsDuration(const google::protobuf::Duration& duration) {
  return duration.seconds() >= 0 && duration.seconds() <= 315'576'000'000 &&
         duration.nanos() >= 0 && duration.nanos() <= 999'999'999;
}

std::string Quoted(absl::string_view text) {
  constexpr size_t kLengthMax = 60;
  if (text.size() <= kLengthMax) return absl::StrCat("\"", text, "\"");
  size_t end = kLengthMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;  // no half letter
  return absl::StrCat("\"", text.substr(0, end), "...\"");
}

}  // namespace trainyard::model
