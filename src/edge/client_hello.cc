#include "edge/client_hello.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"

namespace trainyard::edge {
namespace {

constexpr uint8_t kRecordHandshake = 22;
constexpr uint8_t kMessageClientHello = 1;
constexpr size_t kRecordHeaderBytes = 5;
constexpr size_t kMessageHeaderBytes = 4;
constexpr size_t kRecordBytesMax = 1 << 14;
constexpr uint64_t kExtensionAlpn = 16;

// Takes big-endian numbers and length-prefixed vectors off the front; nullopt past the end.
class Cursor {
 public:
  explicit Cursor(absl::string_view bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }

  std::optional<uint64_t> Number(size_t width) {
    if (bytes_.size() < width) return std::nullopt;
    uint64_t value = 0;
    for (char byte : bytes_.substr(0, width)) value = value << 8 | static_cast<uint8_t>(byte);
    bytes_.remove_prefix(width);
    return value;
  }

  std::optional<absl::string_view> Bytes(uint64_t length) {
    if (bytes_.size() < length) return std::nullopt;
    absl::string_view taken = bytes_.substr(0, length);
    bytes_.remove_prefix(length);
    return taken;
  }

  // A vector whose length stands before it in `width` bytes.
  std::optional<absl::string_view> Vector(size_t width) {
    std::optional<uint64_t> length = Number(width);
    return length ? Bytes(*length) : std::nullopt;
  }

 private:
  absl::string_view bytes_;
};

FirstBytes ChooseByAlpn(absl::string_view extension) {
  Cursor outer(extension);
  std::optional<absl::string_view> list = outer.Vector(2);
  if (!list || !outer.empty() || list->empty()) return FirstBytes::kGarbage;
  bool http1 = false, http2 = false;
  for (Cursor names(*list); !names.empty();) {
    std::optional<absl::string_view> name = names.Vector(1);
    if (!name || name->empty()) return FirstBytes::kGarbage;
    http1 |= *name == "http/1.1" || *name == "http/1.0";
    http2 |= *name == "h2";
  }
  return http2 && !http1 ? FirstBytes::kHttp2 : FirstBytes::kHttp1;
}

FirstBytes ClassifyHello(absl::string_view hello) {
  Cursor cursor(hello);
  bool whole = cursor.Bytes(2 + 32) && cursor.Vector(1) && cursor.Vector(2) && cursor.Vector(1);
  if (!whole) return FirstBytes::kGarbage;
  if (cursor.empty()) return FirstBytes::kHttp1;  // no extensions at all: an old client
  std::optional<absl::string_view> extensions = cursor.Vector(2);
  if (!extensions || !cursor.empty()) return FirstBytes::kGarbage;
  FirstBytes choice = FirstBytes::kHttp1;
  for (Cursor rest(*extensions); !rest.empty();) {
    std::optional<uint64_t> type = rest.Number(2);
    std::optional<absl::string_view> value = rest.Vector(2);
    if (!type || !value) return FirstBytes::kGarbage;
    if (*type == kExtensionAlpn) choice = ChooseByAlpn(*value);
    if (choice == FirstBytes::kGarbage) return choice;
  }
  return choice;
}

struct Handshake {
  bool garbage = false;
  std::optional<std::string> hello;  // the message's body, when all of it is there
};

// Joins the records that the ClientHello is cut into.
Handshake ReadHandshake(absl::string_view bytes) {
  std::string message;
  while (!bytes.empty()) {
    if (static_cast<uint8_t>(bytes[0]) != kRecordHandshake) return {.garbage = true};
    if (bytes.size() > 1 && bytes[1] != 3) return {.garbage = true};
    if (bytes.size() < kRecordHeaderBytes) break;
    size_t record_bytes = *Cursor(bytes.substr(3)).Number(2);
    if (record_bytes == 0 || record_bytes > kRecordBytesMax) return {.garbage = true};
    absl::StrAppend(&message, bytes.substr(kRecordHeaderBytes, record_bytes));
    bytes.remove_prefix(std::min(bytes.size(), kRecordHeaderBytes + record_bytes));
    if (message.empty()) break;
    if (static_cast<uint8_t>(message[0]) != kMessageClientHello) return {.garbage = true};
    if (message.size() < kMessageHeaderBytes) continue;
    size_t hello_bytes = *Cursor(absl::string_view(message).substr(1)).Number(3);
    if (hello_bytes > kClientHelloBytesMax) return {.garbage = true};
    if (message.size() < kMessageHeaderBytes + hello_bytes) continue;
    return {.hello = message.substr(kMessageHeaderBytes, hello_bytes)};
  }
  return {};
}

// An upper-case method and a space, or the part of it that came so far.
FirstBytes ClassifyPlain(absl::string_view bytes) {
  constexpr size_t kMethodBytesMax = 16;
  size_t end = 0;
  while (end < bytes.size() && bytes[end] >= 'A' && bytes[end] <= 'Z') ++end;
  if (end == 0 || end > kMethodBytesMax) return FirstBytes::kGarbage;
  if (end == bytes.size()) return FirstBytes::kIncomplete;
  return bytes[end] == ' ' ? FirstBytes::kPlainHttp : FirstBytes::kGarbage;
}

}  // namespace

FirstBytes ClassifyFirstBytes(absl::string_view bytes) {
  if (bytes.empty()) return FirstBytes::kIncomplete;
  FirstBytes plain = ClassifyPlain(bytes);
  if (plain != FirstBytes::kGarbage) return plain;
  Handshake handshake = ReadHandshake(bytes);
  if (handshake.garbage) return FirstBytes::kGarbage;
  if (handshake.hello) return ClassifyHello(*handshake.hello);
  return bytes.size() < kClientHelloBytesMax ? FirstBytes::kIncomplete : FirstBytes::kGarbage;
}

}  // namespace trainyard::edge
