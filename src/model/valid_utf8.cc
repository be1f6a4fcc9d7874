#include "model/valid_utf8.h"

#include <cstdint>

namespace trainyard::model {
namespace {

bool IsContinuation(absl::string_view text, size_t position) {
  return position < text.size() && (static_cast<unsigned char>(text[position]) & 0xC0) == 0x80;
}

// The length of the well-formed character at the start of `text`; 0 where there is none.
size_t CharacterLength(absl::string_view text) {
  auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  size_t length = lead >> 5 == 0x6 ? 2 : lead >> 4 == 0xE ? 3 : lead >> 3 == 0x1E ? 4 : 0;
  if (length == 0) return 0;
  uint32_t point = lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text, i)) return 0;
    point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3F);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};  // less: an overlong form
  bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  return point >= kLeast[length] && point <= 0x10FFFF && !surrogate ? length : 0;
}

}  // namespace

std::string ValidUtf8(absl::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    size_t length = CharacterLength(text);
    if (length > 0) {
      valid.append(text.data(), length);
      text.remove_prefix(length);
    } else {
      valid += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    }
  }
  return valid;
}

}  // namespace trainyard::model
