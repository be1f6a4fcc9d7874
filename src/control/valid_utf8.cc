#include "control/valid_utf8.h"

#include <algorithm>
#include <cstdint>

namespace trainyard::control {
namespace {

// The bytes of the character that starts at `text`; 0 when it is not valid.
size_t CharacterBytes(absl::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t first = byte(0);
  if (first < 0x80) return 1;
  size_t count = first >= 0xf0 && first < 0xf5   ? 4
                 : first >= 0xe0 && first < 0xf0 ? 3
                 : first >= 0xc2 && first < 0xe0 ? 2
                                                 : 0;
  if (count == 0 || text.size() < count) return 0;
  // Neither overlong, nor a surrogate, nor beyond U+10FFFF: the second byte tells.
  uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < count; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return count;
}

}  // namespace

std::string ValidUtf8(absl::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    size_t count = CharacterBytes(text);
    if (count == 0) {
      valid += "\xef\xbf\xbd";
    } else {
      valid.append(text.data(), count);
    }
    text.remove_prefix(std::max<size_t>(count, 1));
  }
  return valid;
}

}  // namespace trainyard::control
