#include "edge/wire_to_json.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/base/casts.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "edge/json_text.h"
#include "edge/wire.h"

namespace trainyard::edge {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;

// Generated parsers stop at 100 levels; an Any hides more from them.
constexpr int kDepthMax = 200;

struct Occurrence {
  const FieldDescriptor* field;
  WireField wire;
};
using Occurrences = absl::InlinedVector<Occurrence, 16>;

struct MapEntry {
  WireField key;
  WireField value;  // empty bytes and 0 where absent: the default of every type
};

bool IsPackable(const FieldDescriptor& field) {
  return field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE &&
         field.cpp_type() != FieldDescriptor::CPPTYPE_STRING;
}

WireType WireTypeOf(const FieldDescriptor& field) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64:
      return WireType::kFixed64;
    case FieldDescriptor::TYPE_FLOAT:
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_SFIXED32:
      return WireType::kFixed32;
    case FieldDescriptor::TYPE_STRING:
    case FieldDescriptor::TYPE_BYTES:
    case FieldDescriptor::TYPE_MESSAGE:
      return WireType::kBytes;
    case FieldDescriptor::TYPE_GROUP:
      return WireType::kGroup;
    default:
      return WireType::kVarint;
  }
}

// The fields of one level that `type` knows, in the order of their numbers. A field whose wire type
// is not its own is an unknown field, as for any parser of protobuf.
absl::StatusOr<Occurrences> ReadLevel(absl::string_view bytes, const Descriptor& type) {
  Occurrences found;
  WireReader reader(bytes);
  WireField wire;
  bool sorted = true;
  while (reader.Next(wire)) {
    const FieldDescriptor* field = type.FindFieldByNumber(wire.number);
    if (field == nullptr) continue;
    const bool packed = field->is_repeated() && wire.type == WireType::kBytes && IsPackable(*field);
    if (!packed && wire.type != WireTypeOf(*field)) continue;
    if (!found.empty() && found.back().field->number() > field->number()) sorted = false;
    found.push_back({field, wire});
  }
  if (!reader.ok()) return absl::InternalError(absl::StrCat("Malformed ", type.full_name(), "."));
  if (!sorted) {
    std::stable_sort(found.begin(), found.end(), [](const Occurrence& a, const Occurrence& b) {
      return a.field->number() < b.field->number();
    });
  }
  return found;
}

class Printer {
 public:
  Printer(const DescriptorPool& pool, const JsonOptions& options, int indent)
      : pool_(pool), options_(options), indent_(indent) {}

  absl::Status Message(absl::string_view bytes, const Descriptor& type,
                       const FieldSelection* selection);
  absl::Status Any(absl::string_view type_url, absl::string_view value);
  std::string Take() { return std::move(out_); }

 private:
  void Open(char c) {
    out_.push_back(c);
    indent_ += 2;
    first_ = true;
  }
  void Close(char c) {
    indent_ -= 2;
    if (!first_) NewLine();
    out_.push_back(c);
    first_ = false;
  }
  void Item() {
    if (!first_) out_.push_back(',');
    first_ = false;
    NewLine();
  }
  void NewLine() {
    if (!options_.pretty) return;
    out_.push_back('\n');
    out_.append(static_cast<size_t>(indent_), ' ');
  }
  void Key(absl::string_view name) {
    Item();
    AppendJsonString(name, out_);
    out_ += options_.pretty ? ": " : ":";
  }

  absl::Status Fields(absl::string_view bytes, const Descriptor& type,
                      const FieldSelection* selection);
  absl::Status Group(const Occurrence* begin, const Occurrence* end,
                     const FieldSelection* selection);
  absl::Status List(const Occurrence* begin, const Occurrence* end,
                    const FieldSelection* selection);
  absl::Status Packed(const FieldDescriptor& field, absl::string_view bytes);
  absl::Status Map(const Occurrence* begin, const Occurrence* end);
  absl::Status Single(const FieldDescriptor& field, const WireField& wire,
                      const FieldSelection* selection);
  void Scalar(const FieldDescriptor& field, uint64_t value);
  void MapKey(const FieldDescriptor& field, const WireField& wire);
  absl::Status WellKnown(absl::string_view bytes, const Descriptor& type);
  absl::Status Value(absl::string_view bytes, const Descriptor& type);
  absl::Status Seconds(absl::string_view bytes, bool duration);
  absl::Status Mask(absl::string_view bytes);
  absl::Status Wrapper(absl::string_view bytes, const Descriptor& type);
  absl::Status AnyBytes(absl::string_view bytes);

  const DescriptorPool& pool_;
  const JsonOptions& options_;
  std::string out_;
  int indent_ = 0;
  int depth_ = 0;
  bool first_ = true;
};

absl::Status Printer::Message(absl::string_view bytes, const Descriptor& type,
                              const FieldSelection* selection) {
  if (depth_ >= kDepthMax) return absl::InternalError("A message is nested too deep.");
  ++depth_;
  if (type.well_known_type() != Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
    RETURN_IF_ERROR(WellKnown(bytes, type));
  } else {
    Open('{');
    RETURN_IF_ERROR(Fields(bytes, type, selection));
    Close('}');
  }
  --depth_;
  return absl::OkStatus();
}

absl::Status Printer::Fields(absl::string_view bytes, const Descriptor& type,
                             const FieldSelection* selection) {
  ASSIGN_OR_RETURN(Occurrences found, ReadLevel(bytes, type));
  for (size_t i = 0, end = 0; i < found.size(); i = end) {
    const FieldDescriptor* field = found[i].field;
    while (end < found.size() && found[end].field == field) ++end;
    const FieldSelection* below = nullptr;
    if (selection != nullptr && !selection->all) {
      auto it = selection->fields.find(field->name());
      if (it == selection->fields.end()) continue;
      below = &it->second;
    }
    Key(field->json_name());
    RETURN_IF_ERROR(Group(&found[i], found.data() + end, below));
  }
  return absl::OkStatus();
}

// All occurrences of one field.
absl::Status Printer::Group(const Occurrence* begin, const Occurrence* end,
                            const FieldSelection* selection) {
  const FieldDescriptor& field = *begin->field;
  if (field.is_map()) return Map(begin, end);
  if (field.is_repeated()) return List(begin, end, selection);
  if (end - begin == 1 || field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    return Single(field, end[-1].wire, selection);
  }
  // Messages that occur more than once merge, which is what their bytes end to end mean.
  std::string merged;
  for (const Occurrence* at = begin; at != end; ++at) {
    merged.append(at->wire.bytes.data(), at->wire.bytes.size());
  }
  return Message(merged, *field.message_type(), selection);
}

absl::Status Printer::List(const Occurrence* begin, const Occurrence* end,
                           const FieldSelection* selection) {
  const FieldDescriptor& field = *begin->field;
  Open('[');
  for (const Occurrence* at = begin; at != end; ++at) {
    if (IsPackable(field) && at->wire.type == WireType::kBytes) {
      RETURN_IF_ERROR(Packed(field, at->wire.bytes));
    } else {
      Item();
      RETURN_IF_ERROR(Single(field, at->wire, selection));
    }
  }
  Close(']');
  return absl::OkStatus();
}

absl::Status Printer::Packed(const FieldDescriptor& field, absl::string_view bytes) {
  const WireType type = WireTypeOf(field);
  while (!bytes.empty()) {
    uint64_t value = 0;
    const bool ok = type == WireType::kVarint
                        ? TakeVarint(bytes, value)
                        : TakeFixed(bytes, type == WireType::kFixed64 ? 8 : 4, value);
    if (!ok) return absl::InternalError(absl::StrCat("Malformed ", field.full_name(), "."));
    Item();
    Scalar(field, value);
  }
  return absl::OkStatus();
}

absl::StatusOr<MapEntry> ReadEntry(const WireField& wire) {
  MapEntry entry;
  WireReader reader(wire.bytes);
  WireField field;
  while (reader.Next(field)) {
    if (field.number == 1) entry.key = field;
    if (field.number == 2) entry.value = field;
  }
  if (!reader.ok()) return absl::InternalError("Malformed entry of a map.");
  return entry;
}

absl::Status Printer::Map(const Occurrence* begin, const Occurrence* end) {
  const FieldDescriptor& key_field = *begin->field->message_type()->map_key();
  const FieldDescriptor& value_field = *begin->field->message_type()->map_value();
  std::vector<MapEntry> entries;
  for (const Occurrence* at = begin; at != end; ++at) {
    ASSIGN_OR_RETURN(MapEntry entry, ReadEntry(at->wire));
    entries.push_back(entry);
  }
  auto key = [](const MapEntry& entry) { return std::pair(entry.key.bytes, entry.key.value); };
  std::stable_sort(entries.begin(), entries.end(),
                   [&](const MapEntry& a, const MapEntry& b) { return key(a) < key(b); });
  Open('{');
  for (size_t i = 0; i < entries.size(); ++i) {
    // The last of equal keys counts.
    if (i + 1 < entries.size() && key(entries[i]) == key(entries[i + 1])) continue;
    Item();
    MapKey(key_field, entries[i].key);
    out_ += options_.pretty ? ": " : ":";
    RETURN_IF_ERROR(Single(value_field, entries[i].value, nullptr));
  }
  Close('}');
  return absl::OkStatus();
}

void Printer::MapKey(const FieldDescriptor& field, const WireField& wire) {
  if (field.type() == FieldDescriptor::TYPE_STRING) {
    AppendJsonString(wire.bytes, out_);
    return;
  }
  Printer plain(pool_, options_, 0);
  plain.Scalar(field, wire.value);
  std::string text = plain.Take();
  const bool quoted = !text.empty() && text[0] == '"';
  absl::StrAppend(&out_, quoted ? "" : "\"", text, quoted ? "" : "\"");
}

absl::Status Printer::Single(const FieldDescriptor& field, const WireField& wire,
                             const FieldSelection* selection) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Message(wire.bytes, *field.message_type(), selection);
    case FieldDescriptor::CPPTYPE_STRING:
      if (field.type() == FieldDescriptor::TYPE_BYTES) {
        absl::StrAppend(&out_, "\"", absl::Base64Escape(wire.bytes), "\"");
      } else {
        AppendJsonString(wire.bytes, out_);
      }
      return absl::OkStatus();
    default:
      Scalar(field, wire.value);
      return absl::OkStatus();
  }
}

// `value`: the bits as they lie on the wire.
void Printer::Scalar(const FieldDescriptor& field, uint64_t value) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_DOUBLE:
      return AppendJsonNumber(absl::bit_cast<double>(value), out_);
    case FieldDescriptor::TYPE_FLOAT:
      return AppendJsonNumber(absl::bit_cast<float>(static_cast<uint32_t>(value)), out_);
    case FieldDescriptor::TYPE_INT64:
    case FieldDescriptor::TYPE_SFIXED64:
      return absl::StrAppend(&out_, "\"", static_cast<int64_t>(value), "\"");
    case FieldDescriptor::TYPE_SINT64:
      return absl::StrAppend(&out_, "\"", UnZigZag(value), "\"");
    case FieldDescriptor::TYPE_UINT64:
    case FieldDescriptor::TYPE_FIXED64:
      return absl::StrAppend(&out_, "\"", value, "\"");
    case FieldDescriptor::TYPE_INT32:
    case FieldDescriptor::TYPE_SFIXED32:
      return absl::StrAppend(&out_, static_cast<int32_t>(value));
    case FieldDescriptor::TYPE_SINT32:
      return absl::StrAppend(&out_, static_cast<int32_t>(UnZigZag(value)));
    case FieldDescriptor::TYPE_UINT32:
    case FieldDescriptor::TYPE_FIXED32:
      return absl::StrAppend(&out_, static_cast<uint32_t>(value));
    case FieldDescriptor::TYPE_BOOL:
      out_ += value != 0 ? "true" : "false";
      return;
    default:
      break;
  }
  const int number = static_cast<int>(value);
  if (field.enum_type()->full_name() == "google.protobuf.NullValue") {
    out_ += "null";
    return;
  }
  const auto* known = field.enum_type()->FindValueByNumber(number);
  if (known != nullptr && !options_.enums_as_numbers) {
    AppendJsonString(known->name(), out_);
  } else {
    absl::StrAppend(&out_, number);
  }
}

absl::Status Printer::WellKnown(absl::string_view bytes, const Descriptor& type) {
  switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_ANY:
      return AnyBytes(bytes);
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return Seconds(bytes, /*duration=*/false);
    case Descriptor::WELLKNOWNTYPE_DURATION:
      return Seconds(bytes, /*duration=*/true);
    case Descriptor::WELLKNOWNTYPE_FIELDMASK:
      return Mask(bytes);
    case Descriptor::WELLKNOWNTYPE_VALUE:
      return Value(bytes, type);
    case Descriptor::WELLKNOWNTYPE_STRUCT:
    case Descriptor::WELLKNOWNTYPE_LISTVALUE: {
      // Both have one field: the map, or the list.
      const bool is_struct = type.well_known_type() == Descriptor::WELLKNOWNTYPE_STRUCT;
      ASSIGN_OR_RETURN(Occurrences found, ReadLevel(bytes, type));
      if (!found.empty()) return Group(found.data(), found.data() + found.size(), nullptr);
      Open(is_struct ? '{' : '[');
      Close(is_struct ? '}' : ']');
      return absl::OkStatus();
    }
    default:
      return Wrapper(bytes, type);
  }
}

absl::Status Printer::Value(absl::string_view bytes, const Descriptor& type) {
  ASSIGN_OR_RETURN(Occurrences found, ReadLevel(bytes, type));
  if (found.empty()) {
    out_ += "null";
    return absl::OkStatus();
  }
  // One field is set; of several the last counts, which sorting may have moved: Values are written
  // by parsers, with one.
  return Single(*found.back().field, found.back().wire, nullptr);
}

absl::Status Printer::Wrapper(absl::string_view bytes, const Descriptor& type) {
  ASSIGN_OR_RETURN(Occurrences found, ReadLevel(bytes, type));
  return Single(*type.field(0), found.empty() ? WireField() : found.back().wire, nullptr);
}

absl::Status Printer::Seconds(absl::string_view bytes, bool duration) {
  WireReader reader(bytes);
  WireField wire;
  SecondsNanos value;
  while (reader.Next(wire)) {
    if (wire.number == 1) value.seconds = static_cast<int64_t>(wire.value);
    if (wire.number == 2) value.nanos = static_cast<int32_t>(wire.value);
  }
  if (!reader.ok()) return absl::InternalError("Malformed time.");
  std::optional<std::string> text = duration ? DurationText(value) : TimestampText(value);
  // JSON cannot say a time that is out of range; the rest of the answer is still worth having.
  if (text) {
    AppendJsonString(*text, out_);
  } else {
    out_ += "null";
  }
  return absl::OkStatus();
}

absl::Status Printer::Mask(absl::string_view bytes) {
  WireReader reader(bytes);
  WireField wire;
  std::string text;
  while (reader.Next(wire)) {
    if (wire.number == 1) absl::StrAppend(&text, text.empty() ? "" : ",", CamelPath(wire.bytes));
  }
  if (!reader.ok()) return absl::InternalError("Malformed google.protobuf.FieldMask.");
  AppendJsonString(text, out_);
  return absl::OkStatus();
}

absl::Status Printer::AnyBytes(absl::string_view bytes) {
  WireReader reader(bytes);
  WireField wire;
  absl::string_view type_url;
  absl::string_view value;
  while (reader.Next(wire)) {
    if (wire.number == 1) type_url = wire.bytes;
    if (wire.number == 2) value = wire.bytes;
  }
  if (!reader.ok()) return absl::InternalError("Malformed google.protobuf.Any.");
  return Any(type_url, value);
}

absl::Status Printer::Any(absl::string_view type_url, absl::string_view value) {
  const std::string name(type_url.substr(type_url.rfind('/') + 1));
  const Descriptor* type = pool_.FindMessageTypeByName(name);
  const size_t size_before = out_.size();
  const int indent_before = indent_;
  const int depth_before = depth_;
  Open('{');
  if (!type_url.empty()) {
    Key("@type");
    AppendJsonString(type_url, out_);
  }
  absl::Status status = absl::OkStatus();
  if (type == nullptr || depth_ >= kDepthMax) {
    status = absl::NotFoundError("");
  } else if (type->well_known_type() == Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
    ++depth_;
    status = Fields(value, *type, nullptr);
    --depth_;
  } else {
    Key("value");
    status = Message(value, *type, nullptr);
  }
  if (!status.ok() && !(type_url.empty() && value.empty())) {
    // Nobody checked what an Any holds before; it must not spoil the whole answer.
    out_.resize(size_before);
    indent_ = indent_before;
    depth_ = depth_before;
    Open('{');
    Key("@type");
    AppendJsonString(type_url, out_);
    Key("value");
    absl::StrAppend(&out_, "\"", absl::Base64Escape(value), "\"");
  }
  Close('}');
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> WireToJson(absl::string_view bytes, const Descriptor& type,
                                       const JsonOptions& options) {
  Printer printer(*type.file()->pool(), options, 0);
  RETURN_IF_ERROR(printer.Message(bytes, type, options.fields));
  std::string out = printer.Take();
  if (options.pretty) out.push_back('\n');
  return out;
}

std::string AnyToJson(const DescriptorPool& pool, absl::string_view type_url,
                      absl::string_view value, int indent) {
  const JsonOptions options;
  Printer printer(pool, options, indent);
  printer.Any(type_url, value).IgnoreError();
  return printer.Take();
}

}  // namespace trainyard::edge
