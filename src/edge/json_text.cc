#include "edge/json_text.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/charconv.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "edge/wire.h"

namespace trainyard::edge {
namespace {

constexpr int64_t kTimestampSecondsMin = -62135596800;  // 0001-01-01T00:00:00Z
constexpr int64_t kTimestampSecondsMax = 253402300799;  // 9999-12-31T23:59:59Z
constexpr int64_t kDurationSecondsMax = 315576000000;   // 10,000 years
constexpr int32_t kNanosMax = 999999999;

void AppendEscaped(unsigned char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      absl::StrAppendFormat(&out, "\\u%04x", c);
  }
}

bool NeedsEscape(unsigned char c) {
  return c < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' || c == 0x7F;
}

// Each byte that begins no valid sequence becomes U+FFFD.
std::string Repaired(absl::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t length = 1;
    while (length < 4 && length < text.size() && !IsValidUtf8(text.substr(0, length))) ++length;
    if (IsValidUtf8(text.substr(0, length))) {
      out.append(text.data(), length);
      text.remove_prefix(length);
    } else {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    }
  }
  return out;
}

template <typename Number>
void AppendNumber(Number value, std::string& out) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
  } else if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    char buffer[32];
    auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
    out.append(buffer, end);
  }
}

// Digits after the point, at most nine, as nanoseconds.
std::optional<int32_t> ParseNanos(absl::string_view digits) {
  if (digits.empty() || digits.size() > 9) return std::nullopt;
  int32_t nanos = 0;
  for (size_t i = 0; i < 9; ++i) {
    char c = i < digits.size() ? digits[i] : '0';
    if (!absl::ascii_isdigit(c)) return std::nullopt;
    nanos = nanos * 10 + (c - '0');
  }
  return nanos;
}

std::string FractionText(int32_t nanos) {
  if (nanos == 0) return "";
  if (nanos % 1000000 == 0) return absl::StrFormat(".%03d", nanos / 1000000);
  if (nanos % 1000 == 0) return absl::StrFormat(".%06d", nanos / 1000);
  return absl::StrFormat(".%09d", nanos);
}

}  // namespace

void AppendJsonString(absl::string_view text, std::string& out) {
  std::string repaired;
  if (!IsValidUtf8(text)) {
    repaired = Repaired(text);
    text = repaired;
  }
  out.push_back('"');
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (!NeedsEscape(c)) continue;
    out.append(text.data() + start, i - start);
    AppendEscaped(c, out);
    start = i + 1;
  }
  out.append(text.data() + start, text.size() - start);
  out.push_back('"');
}

void AppendJsonNumber(double value, std::string& out) { AppendNumber(value, out); }
void AppendJsonNumber(float value, std::string& out) { AppendNumber(value, out); }

std::optional<double> ParseDouble(absl::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  // absl also takes "inf" and "nan".
  absl::string_view digits = text;
  if (!digits.empty() && digits[0] == '-') digits.remove_prefix(1);
  if (digits.empty() || !absl::ascii_isdigit(digits[0])) return std::nullopt;
  double value = 0;
  auto [end, error] = absl::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  const bool too_small = error == std::errc::result_out_of_range && std::abs(value) < 1;
  if (error != std::errc() && !too_small) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseSigned(absl::string_view text, int bits) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    // 2^53 is where a double stops telling integers apart.
    std::optional<double> number = ParseDouble(text);
    if (!number || std::abs(*number) > 9007199254740992.0 || *number != std::floor(*number)) {
      return std::nullopt;
    }
    value = static_cast<int64_t>(*number);
  }
  if (bits == 32 && value != static_cast<int32_t>(value)) return std::nullopt;
  return value;
}

std::optional<uint64_t> ParseUnsigned(absl::string_view text, int bits) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    std::optional<int64_t> number = ParseSigned(text, 64);
    if (!number || *number < 0) return std::nullopt;
    value = static_cast<uint64_t>(*number);
  }
  if (bits == 32 && value > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  return value;
}

std::optional<std::string> ParseBase64(absl::string_view text) {
  std::string bytes;
  if (absl::Base64Unescape(text, &bytes) || absl::WebSafeBase64Unescape(text, &bytes)) return bytes;
  return std::nullopt;
}

std::optional<SecondsNanos> ParseTimestamp(absl::string_view text) {
  // absl also takes "infinite-future", blanks and years of any length.
  if (text.size() < 20 || !absl::ascii_isdigit(text[0]) || absl::ascii_isspace(text.back()) ||
      text[4] != '-') {
    return std::nullopt;
  }
  absl::Time time;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) return std::nullopt;
  SecondsNanos value;
  value.seconds = absl::ToUnixSeconds(time);
  value.nanos =
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(value.seconds)));
  if (value.seconds < kTimestampSecondsMin || value.seconds > kTimestampSecondsMax) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::string> TimestampText(SecondsNanos value) {
  if (value.seconds < kTimestampSecondsMin || value.seconds > kTimestampSecondsMax ||
      value.nanos < 0 || value.nanos > kNanosMax) {
    return std::nullopt;
  }
  absl::CivilSecond civil =
      absl::ToCivilSecond(absl::FromUnixSeconds(value.seconds), absl::UTCTimeZone());
  return absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02d%sZ", civil.year(), civil.month(),
                         civil.day(), civil.hour(), civil.minute(), civil.second(),
                         FractionText(value.nanos));
}

std::optional<SecondsNanos> ParseDuration(absl::string_view text) {
  if (text.empty() || text.back() != 's') return std::nullopt;
  text.remove_suffix(1);
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  size_t point = text.find('.');
  absl::string_view whole = text.substr(0, point);
  SecondsNanos value;
  if (whole.empty() || !absl::ascii_isdigit(whole[0]) || !absl::SimpleAtoi(whole, &value.seconds) ||
      value.seconds > kDurationSecondsMax) {
    return std::nullopt;
  }
  if (point != absl::string_view::npos) {
    std::optional<int32_t> nanos = ParseNanos(text.substr(point + 1));
    if (!nanos) return std::nullopt;
    value.nanos = *nanos;
  }
  if (negative) value = {-value.seconds, -value.nanos};
  return value;
}

std::optional<std::string> DurationText(SecondsNanos value) {
  if (value.seconds < -kDurationSecondsMax || value.seconds > kDurationSecondsMax ||
      value.nanos < -kNanosMax || value.nanos > kNanosMax ||
      (value.seconds > 0 && value.nanos < 0) || (value.seconds < 0 && value.nanos > 0)) {
    return std::nullopt;
  }
  const bool negative = value.seconds < 0 || value.nanos < 0;
  return absl::StrCat(negative ? "-" : "", std::abs(value.seconds),
                      FractionText(std::abs(value.nanos)), "s");
}

std::string SnakePath(absl::string_view path) {
  // A path that has an underscore is in snake case already: its capitals are a map's keys.
  if (path.find('_') != absl::string_view::npos) return std::string(path);
  std::string out;
  for (char c : path) {
    if (absl::ascii_isupper(c)) out.push_back('_');
    out.push_back(absl::ascii_tolower(c));
  }
  return out;
}

std::string CamelPath(absl::string_view path) {
  std::string out;
  bool raise = false;
  for (char c : path) {
    if (c == '_') {
      raise = true;
      continue;
    }
    out.push_back(raise ? absl::ascii_toupper(c) : c);
    raise = false;
  }
  return out;
}

}  // namespace trainyard::edge
