#include "edge/json_reader.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "edge/wire.h"

namespace trainyard::edge {
namespace {

constexpr size_t kExcerptBytes = 40;

void AppendUtf8(uint32_t code, std::string& out) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
    return;
  }
  if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | code >> 6));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | code >> 12));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | code >> 18));
    out.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
  }
  out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

absl::Status JsonReader::Syntax(absl::string_view what) const {
  auto before = std::count(text_.begin(), text_.begin() + static_cast<long>(position_), '\n');
  absl::string_view excerpt = text_.substr(position_, kExcerptBytes);
  excerpt = excerpt.substr(0, excerpt.find('\n'));
  while (!excerpt.empty() && !IsValidUtf8(excerpt)) excerpt.remove_suffix(1);
  return absl::InvalidArgumentError(absl::StrCat("Invalid JSON payload received. ", what,
                                                 " at line ", before + 1, ", byte ", position_,
                                                 excerpt.empty() ? "" : ":\n", excerpt));
}

void JsonReader::SkipSpace() {
  while (position_ < text_.size()) {
    char c = text_[position_];
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return;
    ++position_;
  }
}

bool JsonReader::Take(char c) {
  SkipSpace();
  if (position_ >= text_.size() || text_[position_] != c) return false;
  ++position_;
  return true;
}

absl::StatusOr<JsonKind> JsonReader::Peek() {
  SkipSpace();
  if (position_ >= text_.size()) return Syntax("Unexpected end of string. Expected a value.");
  switch (char c = text_[position_]; c) {
    case '{':
      return JsonKind::kObject;
    case '[':
      return JsonKind::kArray;
    case '"':
      return JsonKind::kString;
    case 't':
      return JsonKind::kTrue;
    case 'f':
      return JsonKind::kFalse;
    case 'n':
      return JsonKind::kNull;
    default:
      if (c == '-' || IsDigit(c)) return JsonKind::kNumber;
      return Syntax("Expected a value.");
  }
}

absl::Status JsonReader::Enter(char open) {
  if (!Take(open)) return Syntax(absl::StrCat("Expected ", absl::string_view(&open, 1), "."));
  if (++depth_ > kJsonDepthMax) {
    return Syntax(
        absl::StrCat("Message too deep. Max recursion depth reached (", kJsonDepthMax, ")"));
  }
  first_ = true;
  return absl::OkStatus();
}

absl::StatusOr<bool> JsonReader::NextItem(char close) {
  if (Take(close)) {
    --depth_;
    first_ = false;
    return false;
  }
  if (!first_ && !Take(',')) {
    return Syntax(absl::StrCat("Expected , or ", absl::string_view(&close, 1), "."));
  }
  first_ = false;
  return true;
}

absl::StatusOr<bool> JsonReader::NextElement() { return NextItem(']'); }

absl::StatusOr<bool> JsonReader::NextKey(std::string& key) {
  ASSIGN_OR_RETURN(bool more, NextItem('}'));
  if (!more) return false;
  SkipSpace();
  RETURN_IF_ERROR(ReadString(key));
  if (!Take(':')) return Syntax("Expected : between key:value pair.");
  first_ = false;
  return true;
}

absl::Status JsonReader::ReadString(std::string& text) {
  text.clear();
  if (!Take('"')) return Syntax("Expected a string in double quotes.");
  while (true) {
    size_t start = position_;
    while (position_ < text_.size() && text_[position_] != '"' && text_[position_] != '\\' &&
           static_cast<unsigned char>(text_[position_]) >= 0x20) {
      ++position_;
    }
    text.append(text_.data() + start, position_ - start);
    if (position_ >= text_.size()) return Syntax("Closing quote expected in string.");
    char c = text_[position_];
    if (c != '"' && c != '\\') return Syntax("Control character in a string: escape it.");
    ++position_;
    if (c == '"') return absl::OkStatus();
    RETURN_IF_ERROR(ReadEscape(text));
  }
}

absl::Status JsonReader::ReadEscape(std::string& out) {
  static constexpr absl::string_view kNames = "\"\\/bfnrt";
  static constexpr absl::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (position_ >= text_.size()) return Syntax("Closing quote expected in string.");
  char c = text_[position_];
  if (c == 'u') {
    ++position_;
    return ReadCodePoint(out);
  }
  size_t which = kNames.find(c);
  if (which == absl::string_view::npos) return Syntax("Invalid escape sequence.");
  ++position_;
  out.push_back(kMeanings[which]);
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> JsonReader::ReadHex4() {
  uint32_t code = 0;
  for (int i = 0; i < 4; ++i, ++position_) {
    if (position_ >= text_.size() || !absl::ascii_isxdigit(text_[position_])) {
      return Syntax("Invalid escape sequence.");
    }
    char c = absl::ascii_tolower(text_[position_]);
    code = code << 4 | static_cast<uint32_t>(IsDigit(c) ? c - '0' : c - 'a' + 10);
  }
  return code;
}

absl::Status JsonReader::ReadCodePoint(std::string& out) {
  ASSIGN_OR_RETURN(uint32_t code, ReadHex4());
  if (code >= 0xD800 && code <= 0xDBFF) {
    if (text_.substr(position_, 2) != "\\u") return Syntax("Missing low surrogate.");
    position_ += 2;
    ASSIGN_OR_RETURN(uint32_t low, ReadHex4());
    if (low < 0xDC00 || low > 0xDFFF) return Syntax("Invalid low surrogate.");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  } else if (code >= 0xDC00 && code <= 0xDFFF) {
    return Syntax("Low surrogate without a high one.");
  }
  AppendUtf8(code, out);
  return absl::OkStatus();
}

absl::StatusOr<absl::string_view> JsonReader::ReadNumber() {
  SkipSpace();
  const size_t start = position_;
  auto digits = [this] {
    size_t first = position_;
    while (position_ < text_.size() && IsDigit(text_[position_])) ++position_;
    return position_ - first;
  };
  auto at = [this](char c) { return position_ < text_.size() && text_[position_] == c; };
  if (at('-')) ++position_;
  const bool zero = at('0');
  const size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return Syntax("Invalid number.");
  if (at('.')) {
    ++position_;
    if (digits() == 0) return Syntax("Invalid number.");
  }
  if (at('e') || at('E')) {
    ++position_;
    if (at('+') || at('-')) ++position_;
    if (digits() == 0) return Syntax("Invalid number.");
  }
  return text_.substr(start, position_ - start);
}

absl::Status JsonReader::ReadLiteral(JsonKind kind) {
  absl::string_view word = kind == JsonKind::kTrue    ? "true"
                           : kind == JsonKind::kFalse ? "false"
                                                      : "null";
  SkipSpace();
  if (text_.substr(position_, word.size()) != word) return Syntax("Unexpected token.");
  position_ += word.size();
  return absl::OkStatus();
}

absl::Status JsonReader::SkipValue() {
  ASSIGN_OR_RETURN(JsonKind kind, Peek());
  std::string text;
  switch (kind) {
    case JsonKind::kString:
      return ReadString(text);
    case JsonKind::kNumber:
      return ReadNumber().status();
    case JsonKind::kTrue:
    case JsonKind::kFalse:
    case JsonKind::kNull:
      return ReadLiteral(kind);
    case JsonKind::kObject: {
      RETURN_IF_ERROR(EnterObject());
      while (true) {
        ASSIGN_OR_RETURN(bool more, NextKey(text));
        if (!more) return absl::OkStatus();
        RETURN_IF_ERROR(SkipValue());
      }
    }
    case JsonKind::kArray: {
      RETURN_IF_ERROR(EnterArray());
      while (true) {
        ASSIGN_OR_RETURN(bool more, NextElement());
        if (!more) return absl::OkStatus();
        RETURN_IF_ERROR(SkipValue());
      }
    }
  }
  return absl::OkStatus();
}

absl::Status JsonReader::Finish() {
  SkipSpace();
  if (position_ == text_.size()) return absl::OkStatus();
  return Syntax("Parsing terminated before end of input.");
}

}  // namespace trainyard::edge
