#include "edge/json_to_wire.h"

#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "edge/errors.h"
#include "edge/json_reader.h"
#include "edge/json_scalar.h"
#include "edge/json_text.h"
#include "edge/wire.h"
#include "google/protobuf/struct.pb.h"

namespace trainyard::edge {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;

// After these a message is hopeless; the answer must not grow with the request.
constexpr size_t kViolationsMax = 20;
constexpr size_t kShownBytesMax = 200;
constexpr size_t kDescriptionBytesMax = 1000;
// To find "@type" an Any is read once more, at each level of nesting.
constexpr int kAnyDepthMax = 8;

// google.protobuf.Value's fields.
constexpr int kNullValue = 1;
constexpr int kNumberValue = 2;
constexpr int kStringValue = 3;
constexpr int kBoolValue = 4;
constexpr int kStructValue = 5;
constexpr int kListValue = 6;

bool IsNull(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM &&
         field.enum_type()->full_name() == "google.protobuf.NullValue";
}

bool IsValue(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_VALUE;
}

bool IsWrapper(Descriptor::WellKnownType type) {
  return type >= Descriptor::WELLKNOWNTYPE_DOUBLEVALUE &&
         type <= Descriptor::WELLKNOWNTYPE_BOOLVALUE;
}

// The start of a valid text, cut between characters.
absl::string_view Clipped(absl::string_view text, size_t bytes_max) {
  text = text.substr(0, bytes_max);
  while (!IsValidUtf8(text)) text.remove_suffix(1);
  return text;
}

// Walks one JSON text. Syntax errors are returned; wrong fields are collected.
class Encoder {
 public:
  Encoder(absl::string_view json, const DescriptorPool& pool) : reader_(json), pool_(pool) {}

  absl::Status Whole(const Descriptor& type, std::string& out) {
    RETURN_IF_ERROR(Message(type, out));
    return Done();
  }
  absl::Status WholeField(const FieldDescriptor& field, std::string& out) {
    path_ = field.name();
    RETURN_IF_ERROR(Field(field, out));
    return Done();
  }

 private:
  // Lengthens the path of errors while it lives.
  class Step {
   public:
    Step(std::string& path, absl::string_view text) : path_(path), size_(path.size()) {
      absl::StrAppend(&path_, text);
    }
    ~Step() { path_.resize(size_); }

   private:
    std::string& path_;
    size_t size_;
  };
  std::string Dotted(absl::string_view name) const {
    return absl::StrCat(path_.empty() ? "" : ".", name);
  }

  absl::Status Done() {
    RETURN_IF_ERROR(reader_.Finish());
    return violations_.empty() ? absl::OkStatus() : InvalidFields(violations_);
  }

  absl::Status Violate(absl::string_view description) {
    violations_.push_back({std::string(Clipped(path_, kDescriptionBytesMax)),
                           std::string(Clipped(description, kDescriptionBytesMax))});
    return violations_.size() < kViolationsMax ? absl::OkStatus() : InvalidFields(violations_);
  }
  absl::Status Unknown(absl::string_view name) {
    std::string at = path_.empty() ? "" : absl::StrCat(" at '", path_, "'");
    return Violate(absl::StrCat("Invalid JSON payload received. Unknown name \"", name, "\"", at,
                                ": Cannot find field."));
  }
  absl::Status Repeated(absl::string_view name, absl::string_view what) {
    std::string at = path_.empty() ? "" : absl::StrCat(" at '", path_, "'");
    return Violate(absl::StrCat("Invalid JSON payload received. ", what, " \"", name, "\"", at,
                                " is already set."));
  }
  // The value at the reader, of any kind, does not fit.
  absl::Status WrongValue(absl::string_view type_label) {
    ASSIGN_OR_RETURN(JsonKind kind, reader_.Peek());
    std::string shown;
    if (kind == JsonKind::kObject || kind == JsonKind::kArray) {
      shown = kind == JsonKind::kObject ? "a JSON object" : "a JSON array";
      RETURN_IF_ERROR(reader_.SkipValue());
    } else {
      std::string text;
      ASSIGN_OR_RETURN(JsonScalar scalar, Scalar(kind, text));
      Quote(scalar, shown);
    }
    return WrongText(type_label, shown);
  }
  absl::Status WrongText(absl::string_view type_label, absl::string_view shown) {
    return Violate(absl::StrCat("Invalid value at '", path_.empty() ? "(root)" : path_, "' (",
                                type_label, "), ", shown));
  }
  static void Quote(const JsonScalar& scalar, std::string& shown) {
    shown.clear();
    absl::string_view text = Clipped(scalar.text, kShownBytesMax);
    if (scalar.kind == JsonKind::kString) {
      AppendJsonString(text, shown);
    } else {
      shown = std::string(text);
    }
  }

  absl::StatusOr<JsonScalar> Scalar(JsonKind kind, std::string& text);
  absl::Status Field(const FieldDescriptor& field, std::string& out);
  absl::Status List(const FieldDescriptor& field, std::string& out);
  absl::Status Map(const FieldDescriptor& field, std::string& out);
  absl::Status Single(const FieldDescriptor& field, std::string& out);
  absl::Status Message(const Descriptor& type, std::string& out);
  absl::Status Object(const Descriptor& type, bool skip_type_url, std::string& out);
  absl::Status Member(const Descriptor& type, const std::string& name, std::set<int>& seen,
                      std::string& out);
  absl::Status Value(std::string& out);
  absl::Status Struct(std::string& out);
  absl::Status ValueList(std::string& out);
  absl::Status Any(std::string& out);
  absl::Status FindTypeUrl(std::string& type_url);
  absl::Status AnyContent(const Descriptor& type, std::string& out);
  absl::Status Wrapper(const Descriptor& type, std::string& out);
  absl::Status TextForm(const Descriptor& type, std::string& out);

  JsonReader reader_;
  const DescriptorPool& pool_;
  std::string path_;
  std::vector<FieldViolation> violations_;
  int any_depth_ = 0;
};

// `text` keeps a string's content.
absl::StatusOr<JsonScalar> Encoder::Scalar(JsonKind kind, std::string& text) {
  switch (kind) {
    case JsonKind::kString:
      RETURN_IF_ERROR(reader_.ReadString(text));
      return JsonScalar{kind, text};
    case JsonKind::kNumber: {
      ASSIGN_OR_RETURN(absl::string_view number, reader_.ReadNumber());
      return JsonScalar{kind, number};
    }
    default:
      RETURN_IF_ERROR(reader_.ReadLiteral(kind));
      return JsonScalar{kind, kind == JsonKind::kTrue    ? "true"
                              : kind == JsonKind::kFalse ? "false"
                                                         : "null"};
  }
}

absl::Status Encoder::Field(const FieldDescriptor& field, std::string& out) {
  ASSIGN_OR_RETURN(JsonKind kind, reader_.Peek());
  if (kind == JsonKind::kNull && (field.is_repeated() || (!IsValue(field) && !IsNull(field)))) {
    return reader_.ReadLiteral(kind);
  }
  if (field.is_map()) return Map(field, out);
  if (field.is_repeated()) return List(field, out);
  return Single(field, out);
}

absl::Status Encoder::List(const FieldDescriptor& field, std::string& out) {
  ASSIGN_OR_RETURN(JsonKind kind, reader_.Peek());
  if (kind != JsonKind::kArray) {
    // Google's front end takes a lone value for a list of one.
    return Single(field, out);
  }
  RETURN_IF_ERROR(reader_.EnterArray());
  for (int index = 0;; ++index) {
    ASSIGN_OR_RETURN(bool more, reader_.NextElement());
    if (!more) return absl::OkStatus();
    Step step(path_, absl::StrCat("[", index, "]"));
    RETURN_IF_ERROR(Single(field, out));
  }
}

absl::Status Encoder::Map(const FieldDescriptor& field, std::string& out) {
  const FieldDescriptor& key_field = *field.message_type()->map_key();
  const FieldDescriptor& value_field = *field.message_type()->map_value();
  ASSIGN_OR_RETURN(JsonKind kind, reader_.Peek());
  if (kind != JsonKind::kObject) return WrongValue(TypeLabel(field));
  RETURN_IF_ERROR(reader_.EnterObject());
  absl::flat_hash_set<std::string> seen;
  std::string key;
  while (true) {
    ASSIGN_OR_RETURN(bool more, reader_.NextKey(key));
    if (!more) return absl::OkStatus();
    if (!seen.insert(key).second) {
      RETURN_IF_ERROR(Repeated(key, "Map key"));
    }
    std::string key_text;
    AppendJsonString(key, key_text);
    Step step(path_, absl::StrCat("[", key_text, "]"));
    std::string entry;
    if (!ScalarToWire({JsonKind::kString, key}, key_field, entry)) {
      RETURN_IF_ERROR(WrongText(TypeLabel(key_field), key_text));
    }
    RETURN_IF_ERROR(Single(value_field, entry));
    AppendBytesField(field.number(), entry, out);
  }
}

absl::Status Encoder::Single(const FieldDescriptor& field, std::string& out) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    std::string content;
    RETURN_IF_ERROR(Message(*field.message_type(), content));
    AppendBytesField(field.number(), content, out);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(JsonKind kind, reader_.Peek());
  if (kind == JsonKind::kObject || kind == JsonKind::kArray) return WrongValue(TypeLabel(field));
  std::string text;
  ASSIGN_OR_RETURN(JsonScalar scalar, Scalar(kind, text));
  if (kind == JsonKind::kNull && IsNull(field)) {
    AppendVarintField(field.number(), 0, out);
    return absl::OkStatus();
  }
  if (kind != JsonKind::kNull && ScalarToWire(scalar, field, out)) return absl::OkStatus();
  std::string shown;
  Quote(scalar, shown);
  return WrongText(TypeLabel(field), shown);
}

absl::Status Encoder::Message(const Descriptor& type, std::string& out) {
  switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
      return Object(type, /*skip_type_url=*/false, out);
    case Descriptor::WELLKNOWNTYPE_ANY:
      return Any(out);
    case Descriptor::WELLKNOWNTYPE_VALUE:
      return Value(out);
    case Descriptor::WELLKNOWNTYPE_STRUCT:
      return Struct(out);
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      return ValueList(out);
    default:
      if (IsWrapper(type.well_known_type())) return Wrapper(type, out);
      return TextForm(type, out);
  }
}

absl::Status Encoder::Object(const Descriptor& type, bool skip_type_url, std::string& out) {
  ASSIGN_OR_RETURN(JsonKind kind, reader_.Peek());
  if (kind != JsonKind::kObject) {
    return WrongValue(absl::StrCat(kTypeUrlPrefix, type.full_name()));
  }
  RETURN_IF_ERROR(reader_.EnterObject());
  std::set<int> seen;  // numbers of fields; oneofs as -1 - index
  std::string name;
  while (true) {
    ASSIGN_OR_RETURN(bool more, reader_.NextKey(name));
    if (!more) return absl::OkStatus();
    if (skip_type_url && name == "@type") {
      RETURN_IF_ERROR(reader_.SkipValue());
    } else {
      RETURN_IF_ERROR(Member(type, name, seen, out));
    }
  }
}

absl::Status Encoder::Member(const Descriptor& type, const std::string& name, std::set<int>& seen,
                             std::string& out) {
  const FieldDescriptor* field = FindField(type, name);
  if (field == nullptr) {
    RETURN_IF_ERROR(Unknown(name));
    return reader_.SkipValue();
  }
  if (!seen.insert(field->number()).second) {
    RETURN_IF_ERROR(Repeated(name, "Field"));
    return reader_.SkipValue();
  }
  ASSIGN_OR_RETURN(JsonKind kind, reader_.Peek());
  const bool absent = kind == JsonKind::kNull && !IsValue(*field) && !IsNull(*field);
  if (const auto* oneof = field->real_containing_oneof(); oneof != nullptr && !absent) {
    if (!seen.insert(-1 - oneof->index()).second) {
      RETURN_IF_ERROR(Repeated(oneof->name(), "Oneof field"));
      return reader_.SkipValue();
    }
  }
  Step step(path_, Dotted(field->name()));
  return Field(*field, out);
}

absl::Status Encoder::Value(std::string& out) {
  ASSIGN_OR_RETURN(JsonKind kind, reader_.Peek());
  std::string content;
  switch (kind) {
    case JsonKind::kNull:
      AppendVarintField(kNullValue, 0, out);
      return reader_.ReadLiteral(kind);
    case JsonKind::kTrue:
    case JsonKind::kFalse:
      AppendVarintField(kBoolValue, kind == JsonKind::kTrue, out);
      return reader_.ReadLiteral(kind);
    case JsonKind::kString:
      RETURN_IF_ERROR(reader_.ReadString(content));
      AppendBytesField(kStringValue, content, out);
      return absl::OkStatus();
    case JsonKind::kNumber: {
      ASSIGN_OR_RETURN(absl::string_view text, reader_.ReadNumber());
      static const auto& number =
          *google::protobuf::Value::descriptor()->FindFieldByNumber(kNumberValue);
      if (ScalarToWire({kind, text}, number, out)) return absl::OkStatus();
      return WrongText("TYPE_DOUBLE", text.substr(0, kShownBytesMax));
    }
    case JsonKind::kObject:
      RETURN_IF_ERROR(Struct(content));
      AppendBytesField(kStructValue, content, out);
      return absl::OkStatus();
    case JsonKind::kArray:
      RETURN_IF_ERROR(ValueList(content));
      AppendBytesField(kListValue, content, out);
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status Encoder::Struct(std::string& out) {
  ASSIGN_OR_RETURN(JsonKind kind, reader_.Peek());
  if (kind != JsonKind::kObject) return WrongValue("type.googleapis.com/google.protobuf.Struct");
  RETURN_IF_ERROR(reader_.EnterObject());
  absl::flat_hash_set<std::string> seen;
  std::string key;
  while (true) {
    ASSIGN_OR_RETURN(bool more, reader_.NextKey(key));
    if (!more) return absl::OkStatus();
    if (!seen.insert(key).second) {
      RETURN_IF_ERROR(Repeated(key, "Map key"));
    }
    Step step(path_, Dotted(key));
    std::string entry;
    std::string content;
    AppendBytesField(1, key, entry);
    RETURN_IF_ERROR(Value(content));
    AppendBytesField(2, content, entry);
    AppendBytesField(1, entry, out);
  }
}

absl::Status Encoder::ValueList(std::string& out) {
  ASSIGN_OR_RETURN(JsonKind kind, reader_.Peek());
  if (kind != JsonKind::kArray) {
    return WrongValue("type.googleapis.com/google.protobuf.ListValue");
  }
  RETURN_IF_ERROR(reader_.EnterArray());
  for (int index = 0;; ++index) {
    ASSIGN_OR_RETURN(bool more, reader_.NextElement());
    if (!more) return absl::OkStatus();
    Step step(path_, absl::StrCat("[", index, "]"));
    std::string content;
    RETURN_IF_ERROR(Value(content));
    AppendBytesField(1, content, out);
  }
}

absl::Status Encoder::FindTypeUrl(std::string& type_url) {
  JsonReader ahead = reader_;
  RETURN_IF_ERROR(ahead.EnterObject());
  std::string name;
  while (true) {
    ASSIGN_OR_RETURN(bool more, ahead.NextKey(name));
    if (!more) return absl::OkStatus();
    ASSIGN_OR_RETURN(JsonKind kind, ahead.Peek());
    if (name == "@type" && kind == JsonKind::kString) return ahead.ReadString(type_url);
    RETURN_IF_ERROR(ahead.SkipValue());
  }
}

absl::Status Encoder::Any(std::string& out) {
  static constexpr absl::string_view kLabel = "type.googleapis.com/google.protobuf.Any";
  ASSIGN_OR_RETURN(JsonKind kind, reader_.Peek());
  if (kind != JsonKind::kObject) return WrongValue(kLabel);
  std::string type_url;
  RETURN_IF_ERROR(FindTypeUrl(type_url));
  const size_t slash = type_url.rfind('/');
  const Descriptor* type = nullptr;
  if (slash != std::string::npos) {
    type = pool_.FindMessageTypeByName(type_url.substr(slash + 1));
  }
  if (type == nullptr || any_depth_ >= kAnyDepthMax) {
    RETURN_IF_ERROR(reader_.SkipValue());
    std::string shown;
    AppendJsonString(type_url, shown);
    if (type != nullptr) shown = "nested too deep";
    if (type_url.empty()) shown = "without \"@type\"";
    return WrongText(kLabel, shown);
  }
  std::string content;
  ++any_depth_;
  RETURN_IF_ERROR(AnyContent(*type, content));
  --any_depth_;
  AppendBytesField(1, type_url, out);
  AppendBytesField(2, content, out);
  return absl::OkStatus();
}

// A type whose JSON is no object of its fields lies in "value".
absl::Status Encoder::AnyContent(const Descriptor& type, std::string& out) {
  if (type.well_known_type() == Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
    return Object(type, /*skip_type_url=*/true, out);
  }
  RETURN_IF_ERROR(reader_.EnterObject());
  std::string name;
  bool found = false;
  while (true) {
    ASSIGN_OR_RETURN(bool more, reader_.NextKey(name));
    if (!more) return absl::OkStatus();
    if (name == "value" && !found) {
      found = true;
      Step step(path_, Dotted(name));
      RETURN_IF_ERROR(Message(type, out));
      continue;
    }
    if (name != "@type") {
      RETURN_IF_ERROR(Unknown(name));
    }
    RETURN_IF_ERROR(reader_.SkipValue());
  }
}

absl::Status Encoder::Wrapper(const Descriptor& type, std::string& out) {
  return Single(*type.field(0), out);
}

absl::Status Encoder::TextForm(const Descriptor& type, std::string& out) {
  const std::string label = absl::StrCat(kTypeUrlPrefix, type.full_name());
  ASSIGN_OR_RETURN(JsonKind kind, reader_.Peek());
  if (kind != JsonKind::kString) return WrongValue(label);
  std::string text;
  RETURN_IF_ERROR(reader_.ReadString(text));
  if (WellKnownTextToWire(text, type, out)) return absl::OkStatus();
  std::string shown;
  Quote({kind, text}, shown);
  return WrongText(label, shown);
}

absl::Status CheckText(absl::string_view json) {
  if (IsValidUtf8(json)) return absl::OkStatus();
  return absl::InvalidArgumentError("Invalid JSON payload received. The text is not UTF-8.");
}

bool IsBlank(absl::string_view json) { return absl::StripAsciiWhitespace(json).empty(); }

}  // namespace

absl::Status JsonToWire(absl::string_view json, const Descriptor& type, std::string& out) {
  RETURN_IF_ERROR(CheckText(json));
  if (IsBlank(json)) return absl::OkStatus();
  return Encoder(json, *type.file()->pool()).Whole(type, out);
}

absl::Status JsonToWire(absl::string_view json, const FieldDescriptor& field, std::string& out) {
  RETURN_IF_ERROR(CheckText(json));
  if (IsBlank(json)) return absl::OkStatus();
  return Encoder(json, *field.file()->pool()).WholeField(field, out);
}

absl::Status TextToWire(absl::string_view text, const FieldDescriptor& field,
                        absl::string_view path, std::string& out) {
  std::string shown;
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    if (IsValidUtf8(text) && ScalarToWire({JsonKind::kString, text}, field, out)) {
      return absl::OkStatus();
    }
  } else {
    const Descriptor& type = *field.message_type();
    std::string content;
    const bool fits = IsWrapper(type.well_known_type())
                          ? ScalarToWire({JsonKind::kString, text}, *type.field(0), content)
                          : WellKnownTextToWire(text, type, content);
    if (fits && IsValidUtf8(text)) {
      AppendBytesField(field.number(), content, out);
      return absl::OkStatus();
    }
  }
  AppendJsonString(text.substr(0, kShownBytesMax), shown);
  return InvalidFields({{std::string(path), absl::StrCat("Invalid value at '", path, "' (",
                                                         TypeLabel(field), "), ", shown)}});
}

const FieldDescriptor* FindField(const Descriptor& type, absl::string_view name) {
  const std::string key(name);
  if (const FieldDescriptor* field = type.FindFieldByName(key)) return field;
  if (const FieldDescriptor* field = type.FindFieldByCamelcaseName(key)) return field;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->has_json_name() && type.field(i)->json_name() == key) return type.field(i);
  }
  return nullptr;
}

std::string TypeLabel(const FieldDescriptor& field) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return absl::StrCat(kTypeUrlPrefix, field.message_type()->full_name());
  }
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    return absl::StrCat(kTypeUrlPrefix, field.enum_type()->full_name());
  }
  return absl::StrCat("TYPE_", absl::AsciiStrToUpper(field.type_name()));
}

}  // namespace trainyard::edge
