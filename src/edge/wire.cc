#include "edge/wire.h"

namespace trainyard::edge {
namespace {

constexpr int kGroupDepthMax = 100;
constexpr uint32_t kEndGroup = 4;

// The bytes that continue a sequence begun by `lead`; 0 for a byte that may not begin one.
int ContinuationBytes(unsigned char lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return 1;
  if (lead >= 0xE0 && lead <= 0xEF) return 2;
  if (lead >= 0xF0 && lead <= 0xF4) return 3;
  return 0;
}

// The second byte's range depends on the first: it rules out overlong forms, surrogates and code
// points above U+10FFFF.
bool SecondByteFits(unsigned char lead, unsigned char second) {
  unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return second >= low && second <= high;
}

}  // namespace

bool TakeVarint(absl::string_view& bytes, uint64_t& value) {
  value = 0;
  for (size_t i = 0; i < 10 && i < bytes.size(); ++i) {
    auto byte = static_cast<unsigned char>(bytes[i]);
    value |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool TakeFixed(absl::string_view& bytes, size_t size_bytes, uint64_t& value) {
  if (bytes.size() < size_bytes) return false;
  value = 0;
  for (size_t i = 0; i < size_bytes; ++i) {
    value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  bytes.remove_prefix(size_bytes);
  return true;
}

bool WireReader::Fail() {
  ok_ = false;
  rest_ = {};
  return false;
}

bool WireReader::ReadVarint(uint64_t& value) { return TakeVarint(rest_, value) || Fail(); }

bool WireReader::ReadFixed(size_t size_bytes, uint64_t& value) {
  return TakeFixed(rest_, size_bytes, value) || Fail();
}

bool WireReader::SkipGroup(int number, int group_depth) {
  if (group_depth > kGroupDepthMax) return Fail();
  while (true) {
    uint64_t tag = 0;
    if (!ReadVarint(tag)) return false;
    if ((tag & 7) == kEndGroup) return static_cast<int>(tag >> 3) == number || Fail();
    WireField inner;
    inner.number = static_cast<int>(tag >> 3);
    if (!ReadPayload(inner, tag & 7, group_depth)) return false;
  }
}

bool WireReader::ReadPayload(WireField& field, uint32_t wire_type, int group_depth) {
  field.type = static_cast<WireType>(wire_type);
  switch (field.type) {
    case WireType::kVarint:
      return ReadVarint(field.value);
    case WireType::kFixed64:
      return ReadFixed(8, field.value);
    case WireType::kFixed32:
      return ReadFixed(4, field.value);
    case WireType::kBytes: {
      uint64_t length = 0;
      if (!ReadVarint(length)) return false;
      if (length > rest_.size()) return Fail();
      field.bytes = rest_.substr(0, length);
      rest_.remove_prefix(length);
      return true;
    }
    case WireType::kGroup:
      return SkipGroup(field.number, group_depth + 1);
  }
  return Fail();
}

bool WireReader::Next(WireField& field) {
  if (rest_.empty()) return false;
  const char* start = rest_.data();
  const size_t size_before = rest_.size();
  uint64_t tag = 0;
  if (!ReadVarint(tag)) return false;
  if (tag >> 3 == 0 || tag >> 32 != 0) return Fail();
  field = WireField();
  field.number = static_cast<int>(tag >> 3);
  if (!ReadPayload(field, tag & 7, 0)) return false;
  field.raw = absl::string_view(start, size_before - rest_.size());
  return true;
}

void AppendVarint(uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void AppendTag(int number, WireType type, std::string& out) {
  AppendVarint(static_cast<uint64_t>(number) << 3 | static_cast<uint64_t>(type), out);
}

void AppendVarintField(int number, uint64_t value, std::string& out) {
  AppendTag(number, WireType::kVarint, out);
  AppendVarint(value, out);
}

void AppendFixed32Field(int number, uint32_t value, std::string& out) {
  AppendTag(number, WireType::kFixed32, out);
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

void AppendFixed64Field(int number, uint64_t value, std::string& out) {
  AppendTag(number, WireType::kFixed64, out);
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

void AppendBytesField(int number, absl::string_view bytes, std::string& out) {
  AppendTag(number, WireType::kBytes, out);
  AppendVarint(bytes.size(), out);
  out.append(bytes.data(), bytes.size());
}

bool IsValidUtf8(absl::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    auto lead = static_cast<unsigned char>(text[i++]);
    if (lead < 0x80) continue;
    int more = ContinuationBytes(lead);
    if (more == 0 || text.size() - i < static_cast<size_t>(more)) return false;
    if (!SecondByteFits(lead, static_cast<unsigned char>(text[i++]))) return false;
    for (int k = 1; k < more; ++k) {
      auto next = static_cast<unsigned char>(text[i++]);
      if (next < 0x80 || next > 0xBF) return false;
    }
  }
  return true;
}

}  // namespace trainyard::edge
