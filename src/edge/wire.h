// Protobuf's wire format, field by field, for messages whose C++ type is not linked in.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace trainyard::edge {

enum class WireType { kVarint = 0, kFixed64 = 1, kBytes = 2, kGroup = 3, kFixed32 = 5 };

struct WireField {
  int number = 0;
  WireType type = WireType::kVarint;
  uint64_t value = 0;       // of a varint or a fixed type
  absl::string_view bytes;  // of kBytes: the payload
  absl::string_view raw;    // all of it, tag included
};

// Reads one message level. Views point into `bytes`.
class WireReader {
 public:
  explicit WireReader(absl::string_view bytes) : rest_(bytes) {}
  // False at the end, or where the bytes are malformed: then ok() is false.
  bool Next(WireField& field);
  bool ok() const { return ok_; }

 private:
  bool Fail();
  bool ReadVarint(uint64_t& value);
  bool ReadFixed(size_t size_bytes, uint64_t& value);
  bool ReadPayload(WireField& field, uint32_t wire_type, int group_depth);
  bool SkipGroup(int number, int group_depth);

  absl::string_view rest_;
  bool ok_ = true;
};

void AppendVarint(uint64_t value, std::string& out);
void AppendTag(int number, WireType type, std::string& out);
void AppendVarintField(int number, uint64_t value, std::string& out);
void AppendFixed32Field(int number, uint32_t value, std::string& out);
void AppendFixed64Field(int number, uint64_t value, std::string& out);
void AppendBytesField(int number, absl::string_view bytes, std::string& out);

// Numbers as a packed field holds them, without a tag.
bool TakeVarint(absl::string_view& bytes, uint64_t& value);
bool TakeFixed(absl::string_view& bytes, size_t size_bytes, uint64_t& value);

inline uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

// The only check that strings of proto3 and JSON texts need: no overlong forms, no surrogates.
bool IsValidUtf8(absl::string_view text);

}  // namespace trainyard::edge
