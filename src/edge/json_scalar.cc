#include "edge/json_scalar.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "absl/base/casts.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "edge/json_text.h"
#include "edge/wire.h"

namespace trainyard::edge {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

bool IsText(JsonKind kind) { return kind == JsonKind::kString || kind == JsonKind::kNumber; }

// int32, int64 and their zigzag and fixed forms.
bool SignedToWire(const JsonScalar& value, const FieldDescriptor& field, int bits,
                  std::string& out) {
  std::optional<int64_t> number;
  if (IsText(value.kind)) number = ParseSigned(value.text, bits);
  if (!number) return false;
  switch (field.type()) {
    case FieldDescriptor::TYPE_SINT32:
    case FieldDescriptor::TYPE_SINT64:
      AppendVarintField(field.number(), ZigZag(*number), out);
      return true;
    case FieldDescriptor::TYPE_SFIXED32:
      AppendFixed32Field(field.number(), static_cast<uint32_t>(*number), out);
      return true;
    case FieldDescriptor::TYPE_SFIXED64:
      AppendFixed64Field(field.number(), static_cast<uint64_t>(*number), out);
      return true;
    default:
      AppendVarintField(field.number(), static_cast<uint64_t>(*number), out);
      return true;
  }
}

bool UnsignedToWire(const JsonScalar& value, const FieldDescriptor& field, int bits,
                    std::string& out) {
  std::optional<uint64_t> number;
  if (IsText(value.kind)) number = ParseUnsigned(value.text, bits);
  if (!number) return false;
  if (field.type() == FieldDescriptor::TYPE_FIXED32) {
    AppendFixed32Field(field.number(), static_cast<uint32_t>(*number), out);
  } else if (field.type() == FieldDescriptor::TYPE_FIXED64) {
    AppendFixed64Field(field.number(), *number, out);
  } else {
    AppendVarintField(field.number(), *number, out);
  }
  return true;
}

bool FloatToWire(const JsonScalar& value, const FieldDescriptor& field, std::string& out) {
  std::optional<double> number;
  if (IsText(value.kind)) number = ParseDouble(value.text);
  if (!number) return false;
  if (field.type() == FieldDescriptor::TYPE_DOUBLE) {
    AppendFixed64Field(field.number(), absl::bit_cast<uint64_t>(*number), out);
    return true;
  }
  if (std::isfinite(*number) && std::abs(*number) > std::numeric_limits<float>::max()) return false;
  AppendFixed32Field(field.number(), absl::bit_cast<uint32_t>(static_cast<float>(*number)), out);
  return true;
}

// "TRUE" is how some languages print a bool into a URL.
bool BoolToWire(const JsonScalar& value, const FieldDescriptor& field, std::string& out) {
  bool truth = value.kind == JsonKind::kTrue;
  if (value.kind == JsonKind::kString) {
    truth = absl::EqualsIgnoreCase(value.text, "true");
    if (!truth && !absl::EqualsIgnoreCase(value.text, "false")) return false;
  } else if (value.kind == JsonKind::kNumber) {
    return false;
  }
  AppendVarintField(field.number(), truth ? 1 : 0, out);
  return true;
}

// Numbers that the enum does not know are kept: enums of proto3 are open.
bool EnumToWire(const JsonScalar& value, const FieldDescriptor& field, std::string& out) {
  if (!IsText(value.kind)) return false;
  std::optional<int64_t> number;
  if (value.kind == JsonKind::kString) {
    const auto* known = field.enum_type()->FindValueByName(std::string(value.text));
    if (known != nullptr) number = known->number();
  }
  if (!number) number = ParseSigned(value.text, 32);
  if (!number) return false;
  AppendVarintField(field.number(), static_cast<uint64_t>(*number), out);
  return true;
}

bool SecondsToWire(std::optional<SecondsNanos> value, std::string& out) {
  if (!value) return false;
  if (value->seconds != 0) AppendVarintField(1, static_cast<uint64_t>(value->seconds), out);
  if (value->nanos != 0) {
    AppendVarintField(2, static_cast<uint64_t>(static_cast<int64_t>(value->nanos)), out);
  }
  return true;
}

}  // namespace

bool ScalarToWire(const JsonScalar& value, const FieldDescriptor& field, std::string& out) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return SignedToWire(value, field, 32, out);
    case FieldDescriptor::CPPTYPE_INT64:
      return SignedToWire(value, field, 64, out);
    case FieldDescriptor::CPPTYPE_UINT32:
      return UnsignedToWire(value, field, 32, out);
    case FieldDescriptor::CPPTYPE_UINT64:
      return UnsignedToWire(value, field, 64, out);
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return FloatToWire(value, field, out);
    case FieldDescriptor::CPPTYPE_BOOL:
      return BoolToWire(value, field, out);
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumToWire(value, field, out);
    case FieldDescriptor::CPPTYPE_STRING: {
      if (value.kind != JsonKind::kString) return false;
      if (field.type() == FieldDescriptor::TYPE_STRING) {
        AppendBytesField(field.number(), value.text, out);
        return true;
      }
      std::optional<std::string> bytes = ParseBase64(value.text);
      if (bytes) AppendBytesField(field.number(), *bytes, out);
      return bytes.has_value();
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return false;
  }
  return false;
}

bool WellKnownTextToWire(absl::string_view text, const Descriptor& type, std::string& out) {
  switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return SecondsToWire(ParseTimestamp(text), out);
    case Descriptor::WELLKNOWNTYPE_DURATION:
      return SecondsToWire(ParseDuration(text), out);
    case Descriptor::WELLKNOWNTYPE_FIELDMASK:
      for (absl::string_view path : absl::StrSplit(text, ',', absl::SkipEmpty())) {
        AppendBytesField(1, SnakePath(path), out);
      }
      return true;
    default:
      return false;
  }
}

}  // namespace trainyard::edge
