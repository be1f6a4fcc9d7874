#include "runtime/local/json_writer.h"

#include "absl/strings/str_cat.h"

namespace trainyard::runtime {
namespace {

// Length of the UTF-8 sequence at the start of `text`; 0 when there is none.
size_t SequenceLength(absl::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  size_t length = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, beyond U+10FFFF.
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;
  if (lead == 0xed && byte(1) > 0x9f) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

}  // namespace

void JsonWriter::Separate() {
  if (!first_) text_ += ',';
  first_ = false;
}

JsonWriter& JsonWriter::Begin() {
  Separate();
  text_ += '{';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::End() {
  text_ += '}';
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::BeginList() {
  Separate();
  text_ += '[';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::EndList() {
  text_ += ']';
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::Key(absl::string_view name) {
  String(name);
  text_ += ':';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::String(absl::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  Separate();
  text_ += '"';
  while (!text.empty()) {
    const char c = text[0];
    size_t length = SequenceLength(text);
    if (length == 0) {
      text_ += "\xef\xbf\xbd";
      length = 1;
    } else if (c == '"' || c == '\\') {
      absl::StrAppend(&text_, "\\", text.substr(0, 1));
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppend(&text_, "\\u00", c < 0x10 ? "0" : "1");
      text_ += kDigits[c & 0xf];
    } else {
      absl::StrAppend(&text_, text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  text_ += '"';
  return *this;
}

JsonWriter& JsonWriter::Number(int64_t number) {
  Separate();
  absl::StrAppend(&text_, number);
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) {
  Separate();
  text_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::Strings(const std::vector<std::string>& texts) {
  BeginList();
  for (const std::string& text : texts) String(text);
  return EndList();
}

}  // namespace trainyard::runtime
