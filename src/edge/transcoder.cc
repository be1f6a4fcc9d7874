#include "edge/transcoder.h"

#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "edge/errors.h"
#include "edge/field_selection.h"
#include "edge/http_handler.h"
#include "edge/json_to_wire.h"
#include "edge/mixin_rules.h"
#include "edge/wire.h"
#include "edge/wire_to_json.h"

namespace trainyard::edge {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using FieldPath = std::vector<const FieldDescriptor*>;

constexpr size_t kViolationsMax = 20;

bool IsHttpBody(const Descriptor* type) {
  return type != nullptr && type->full_name() == "google.api.HttpBody";
}

// The field through which a method takes a body of any content type; null where it has none.
const FieldDescriptor* HttpBodyField(const Descriptor& type) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (!field->is_repeated() && IsHttpBody(field->message_type())) return field;
  }
  return nullptr;
}

std::string HttpBodyBytes(absl::string_view content_type, absl::string_view body) {
  std::string out;
  if (!content_type.empty()) AppendBytesField(1, content_type, out);
  AppendBytesField(2, body, out);
  return out;
}

// `leaf`: the last field with its tag. Wraps it in the messages that lead to it.
void AppendNested(const FieldPath& fields, std::string leaf, std::string& out) {
  for (size_t i = fields.size() - 1; i-- > 0;) {
    std::string wrapped;
    AppendBytesField(fields[i]->number(), leaf, wrapped);
    leaf = std::move(wrapped);
  }
  out += leaf;
}

bool TakesText(const FieldDescriptor& field) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return true;
  switch (field.message_type()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
    case Descriptor::WELLKNOWNTYPE_ANY:
    case Descriptor::WELLKNOWNTYPE_VALUE:
    case Descriptor::WELLKNOWNTYPE_STRUCT:
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      return false;
    default:
      return true;
  }
}

// Why a query parameter is not bound; empty where it is, and `fields` then leads to it.
std::string ResolveParameter(const Descriptor& type, absl::string_view name, FieldPath& fields) {
  const Descriptor* at = &type;
  for (absl::string_view part : absl::StrSplit(name, '.')) {
    const FieldDescriptor* field = at == nullptr ? nullptr : FindField(*at, part);
    if (field == nullptr) {
      return absl::StrCat("Field '", part, "' could not be found in request message.");
    }
    if (!fields.empty() && fields.back()->is_repeated()) {
      return absl::StrCat("'", fields.back()->name(), "' is a repeated message.");
    }
    fields.push_back(field);
    at = field->message_type();
  }
  if (TakesText(*fields.back()) && !fields.back()->is_map()) return "";
  return absl::StrCat("'", fields.back()->name(),
                      "' is a message type. Parameters can only be bound to primitive types.");
}

absl::Status AppendQuery(const Descriptor& type, const RestQuery& query, std::string& out) {
  std::vector<FieldViolation> violations;
  std::set<FieldPath> seen;
  for (const auto& [name, value] : query.parameters) {
    if (violations.size() == kViolationsMax) break;
    FieldPath fields;
    std::string fault = ResolveParameter(type, name, fields);
    if (fault.empty() && !fields.back()->is_repeated() && !seen.insert(fields).second) {
      fault = "It is given more than once, and the field is not repeated.";
    }
    if (!fault.empty()) {
      violations.push_back(
          {"", absl::StrCat("Invalid JSON payload received. Unknown name \"", name.substr(0, 200),
                            "\": Cannot bind query parameter. ", fault)});
      continue;
    }
    std::string leaf;
    absl::Status status = TextToWire(value, *fields.back(), name, leaf);
    if (!status.ok()) {
      violations.push_back({name, std::string(status.message())});
      continue;
    }
    AppendNested(fields, std::move(leaf), out);
  }
  return violations.empty() ? absl::OkStatus() : InvalidFields(violations);
}

// As google.api.http says: a variable of several segments keeps %2F, so that its '/' stay apart
// from those of the template.
absl::StatusOr<std::string> DecodeVariable(absl::string_view text, bool multiple) {
  if (!multiple) return PercentDecode(text, /*plus_is_space=*/false);
  std::string out;
  while (true) {
    const size_t slash = std::min(text.find("%2F"), text.find("%2f"));
    ASSIGN_OR_RETURN(std::string part, PercentDecode(text.substr(0, slash), false));
    out += part;
    if (slash == absl::string_view::npos) return out;
    absl::StrAppend(&out, text.substr(slash, 3));
    text.remove_prefix(slash + 3);
  }
}

absl::Status AppendVariables(const RouteMatch& match, std::string& out) {
  const HttpBinding& binding = *match.binding;
  for (size_t i = 0; i < binding.variables.size(); ++i) {
    const HttpBinding::Variable& variable = binding.variables[i];
    // "**" takes all segments that are left.
    const bool open = binding.path.segments[variable.end - 1] == "**";
    const size_t end = open ? match.segments.size() : variable.end;
    std::string text;
    for (size_t k = variable.begin; k < end; ++k) {
      ASSIGN_OR_RETURN(std::string part, DecodeVariable(match.segments[k], variable.multiple));
      absl::StrAppend(&text, k == variable.begin ? "" : "/", part);
    }
    std::string leaf;
    RETURN_IF_ERROR(
        TextToWire(text, *variable.fields.back(), binding.path.variables[i].field_path, leaf));
    AppendNested(variable.fields, std::move(leaf), out);
  }
  return absl::OkStatus();
}

absl::Status AppendBody(const HttpBinding& binding, absl::string_view content_type,
                        absl::string_view body, std::string& out) {
  const Descriptor& type = *binding.method->descriptor->input_type();
  switch (binding.body) {
    case BodyForm::kNone: {
      absl::string_view text = absl::StripAsciiWhitespace(body);
      if (text.empty() || text == "{}") return absl::OkStatus();
      return absl::InvalidArgumentError(
          "This method takes no request body; its fields go into the URL.");
    }
    case BodyForm::kField:
      if (!binding.body_field->is_repeated() && IsHttpBody(binding.body_field->message_type())) {
        AppendBytesField(binding.body_field->number(), HttpBodyBytes(content_type, body), out);
        return absl::OkStatus();
      }
      return JsonToWire(body, *binding.body_field, out);
    case BodyForm::kWhole:
      if (IsHttpBody(&type)) {
        out += HttpBodyBytes(content_type, body);
        return absl::OkStatus();
      }
      if (const FieldDescriptor* field = HttpBodyField(type)) {
        AppendBytesField(field->number(), HttpBodyBytes(content_type, body), out);
        return absl::OkStatus();
      }
      return JsonToWire(body, type, out);
  }
  return absl::OkStatus();
}

// What the body of a reply holds.
const Descriptor* ResponseType(const HttpBinding& binding) {
  return binding.response_field == nullptr ? binding.method->descriptor->output_type()
                                           : binding.response_field->message_type();
}

RestBody HttpBodyReply(absl::string_view bytes) {
  RestBody reply;
  WireReader reader(bytes);
  WireField wire;
  while (reader.Next(wire)) {
    if (wire.number == 1) reply.content_type = std::string(wire.bytes);
    if (wire.number == 2) reply.bytes = std::string(wire.bytes);
  }
  return reply;
}

// A message field's content; occurrences merge end to end.
std::string FieldContent(absl::string_view bytes, int number) {
  std::string content;
  WireReader reader(bytes);
  WireField wire;
  while (reader.Next(wire)) {
    if (wire.number == number) content.append(wire.bytes.data(), wire.bytes.size());
  }
  return content;
}

}  // namespace

absl::StatusOr<RouteTable> MakeRoutes(const MethodTable& table) {
  RouteTable routes;
  for (const Method* method : table.methods()) {
    for (const HttpRuleText& rule : AnnotatedRules(*method->descriptor)) {
      ASSIGN_OR_RETURN(HttpBinding binding, MakeBinding(*method, rule));
      routes.Add(std::move(binding));
    }
  }
  for (const MixinRule& mixin : MixinRules()) {
    const Method* method = table.Find(mixin.method);
    if (method == nullptr) {
      return absl::NotFoundError(
          absl::StrCat("No method ", mixin.method, " in the descriptor set"));
    }
    ASSIGN_OR_RETURN(HttpBinding binding, MakeBinding(*method, mixin.rule));
    routes.Add(std::move(binding));
  }
  return routes;
}

absl::StatusOr<std::string> TranscodeRequest(const RouteMatch& match, const RestQuery& query,
                                             absl::string_view content_type,
                                             absl::string_view body) {
  const google::protobuf::MethodDescriptor& method = *match.binding->method->descriptor;
  if (!query.fields.empty()) {
    // Found now, not after the call has had its effect.
    RETURN_IF_ERROR(ParseFieldSelection(query.fields, *ResponseType(*match.binding)).status());
  }
  std::string out;
  RETURN_IF_ERROR(AppendBody(*match.binding, content_type, body, out));
  RETURN_IF_ERROR(AppendQuery(*method.input_type(), query, out));
  RETURN_IF_ERROR(AppendVariables(match, out));
  return out;
}

absl::StatusOr<RestBody> TranscodeResponse(const HttpBinding& binding, const RestQuery& query,
                                           absl::string_view response) {
  const Descriptor* type = ResponseType(binding);
  std::string content;
  if (binding.response_field != nullptr) {
    content = FieldContent(response, binding.response_field->number());
    response = content;
  }
  if (IsHttpBody(type)) return HttpBodyReply(response);
  FieldSelection selection;
  JsonOptions options;
  options.pretty = query.pretty;
  options.enums_as_numbers = query.enums_as_numbers;
  if (!query.fields.empty()) {
    ASSIGN_OR_RETURN(selection, ParseFieldSelection(query.fields, *type));
    options.fields = &selection;
  }
  ASSIGN_OR_RETURN(std::string json, WireToJson(response, *type, options));
  return RestBody{"application/json; charset=UTF-8", std::move(json)};
}

}  // namespace trainyard::edge
