#include "edge/field_selection.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "edge/json_to_wire.h"

namespace trainyard::edge {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr int kNestingMax = 30;
constexpr absl::string_view kStops = ",/.()";

class Parser {
 public:
  explicit Parser(absl::string_view text) : rest_(text) {}

  // list = path *("," path); `type` null: anything may stand below (Struct, Any, a map).
  absl::Status List(const Descriptor* type, FieldSelection& into, int depth) {
    if (depth > kNestingMax) return Invalid("it is nested too deep");
    do {
      RETURN_IF_ERROR(Path(type, into, depth));
    } while (Take(','));
    return absl::OkStatus();
  }
  absl::Status Finish() const {
    return rest_.empty() ? absl::OkStatus() : Invalid(absl::StrCat("unexpected '", rest_, "'"));
  }

 private:
  // path = name [("/" | ".") path | "(" list ")"]
  absl::Status Path(const Descriptor* type, FieldSelection& into, int depth) {
    if (depth > kNestingMax) return Invalid("it is nested too deep");
    absl::string_view name = rest_.substr(0, rest_.find_first_of(kStops));
    rest_.remove_prefix(name.size());
    if (name.empty()) return Invalid("a name is missing");
    const Descriptor* below = nullptr;
    FieldSelection* child = &into;
    if (name == "*") {
      into.all = true;
    } else {
      ASSIGN_OR_RETURN(std::string known, KnownName(name, type, below));
      child = &into.fields[known];
    }
    if (Take('/') || Take('.')) return Path(below, *child, depth + 1);
    if (Take('(')) {
      RETURN_IF_ERROR(List(below, *child, depth + 1));
      return Take(')') ? absl::OkStatus() : Invalid("a ')' is missing");
    }
    child->all = true;
    return absl::OkStatus();
  }

  // `below`: the message that the field holds, where its fields are known.
  absl::StatusOr<std::string> KnownName(absl::string_view name, const Descriptor* type,
                                        const Descriptor*& below) const {
    if (type == nullptr) return std::string(name);
    const FieldDescriptor* field = FindField(*type, name);
    if (field == nullptr) {
      return Invalid(absl::StrCat(type->name(), " has no field '", name, "'"));
    }
    const Descriptor* content = field->message_type();
    const bool open = content == nullptr || field->is_map() ||
                      content->well_known_type() != Descriptor::WELLKNOWNTYPE_UNSPECIFIED;
    below = open ? nullptr : content;
    return field->name();
  }

  static absl::Status Invalid(absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("Invalid field selection: ", why, "."));
  }
  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  absl::string_view rest_;
};

}  // namespace

absl::StatusOr<FieldSelection> ParseFieldSelection(absl::string_view text, const Descriptor& type) {
  FieldSelection selection;
  Parser parser(text);
  RETURN_IF_ERROR(parser.List(&type, selection, 0));
  RETURN_IF_ERROR(parser.Finish());
  return selection;
}

}  // namespace trainyard::edge
