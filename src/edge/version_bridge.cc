#include "edge/version_bridge.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "edge/errors.h"
#include "edge/wire.h"

namespace trainyard::edge {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// What generated parsers allow.
constexpr int kDepthMax = 100;

using Pairs = std::set<std::pair<const Descriptor*, const Descriptor*>>;

bool SameKind(const FieldDescriptor& one, const FieldDescriptor& other) {
  return one.name() == other.name() && one.type() == other.type() &&
         one.is_repeated() == other.is_repeated() && one.is_map() == other.is_map();
}

absl::Status CompareShapes(const Descriptor& one, const Descriptor& other, Pairs& compared) {
  if (&one == &other || !compared.insert({&one, &other}).second) return absl::OkStatus();
  for (int i = 0; i < one.field_count(); ++i) {
    const FieldDescriptor& field = *one.field(i);
    const FieldDescriptor* twin = other.FindFieldByNumber(field.number());
    if (twin == nullptr) continue;
    if (!SameKind(field, *twin)) {
      return absl::FailedPreconditionError(
          absl::StrCat(field.full_name(), " is not as ", twin->full_name()));
    }
    if (field.message_type() != nullptr) {
      RETURN_IF_ERROR(CompareShapes(*field.message_type(), *twin->message_type(), compared));
    }
  }
  return absl::OkStatus();
}

// Whether an Any can lie anywhere below. Most messages have none and are copied whole.
bool ReachesAny(const Descriptor& type, std::set<const Descriptor*>& visited) {
  if (type.well_known_type() == Descriptor::WELLKNOWNTYPE_ANY) return true;
  if (!visited.insert(&type).second) return false;
  for (int i = 0; i < type.field_count(); ++i) {
    const Descriptor* content = type.field(i)->message_type();
    if (content != nullptr && ReachesAny(*content, visited)) return true;
  }
  return false;
}

class Rewriter {
 public:
  Rewriter(absl::string_view from, absl::string_view to) : from_(from), to_(to) {}

  absl::Status Message(absl::string_view bytes, const Descriptor& type, int depth,
                       std::string& out) {
    if (depth > kDepthMax) return absl::InvalidArgumentError("The message is nested too deep.");
    WireReader reader(bytes);
    WireField wire;
    while (reader.Next(wire)) {
      const FieldDescriptor* field = type.FindFieldByNumber(wire.number);
      const Descriptor* content = field == nullptr ? nullptr : field->message_type();
      if (content == nullptr || wire.type != WireType::kBytes || !HasAny(*content)) {
        out.append(wire.raw.data(), wire.raw.size());
        continue;
      }
      std::string rewritten;
      const bool any = content->well_known_type() == Descriptor::WELLKNOWNTYPE_ANY;
      RETURN_IF_ERROR(any ? Any(wire.bytes, *content, depth + 1, rewritten)
                          : Message(wire.bytes, *content, depth + 1, rewritten));
      AppendBytesField(wire.number, rewritten, out);
    }
    return reader.ok() ? absl::OkStatus() : absl::InvalidArgumentError("Malformed message.");
  }

 private:
  bool HasAny(const Descriptor& type) {
    auto [it, fresh] = has_any_.try_emplace(&type, false);
    if (fresh) {
      std::set<const Descriptor*> visited;
      it->second = ReachesAny(type, visited);
    }
    return it->second;
  }

  absl::Status Any(absl::string_view bytes, const Descriptor& any, int depth, std::string& out) {
    WireReader reader(bytes);
    WireField wire;
    std::string type_url;
    absl::string_view value;
    std::string unknown;
    while (reader.Next(wire)) {
      if (wire.number == 1) {
        type_url = std::string(wire.bytes);
      } else if (wire.number == 2) {
        value = wire.bytes;
      } else {
        unknown.append(wire.raw.data(), wire.raw.size());
      }
    }
    if (!reader.ok()) return absl::InvalidArgumentError("Malformed google.protobuf.Any.");
    const auto& pool = *any.file()->pool();
    const std::string name = type_url.substr(type_url.rfind('/') + 1);
    const Descriptor* type = pool.FindMessageTypeByName(name);
    std::string content(value);
    // What an Any holds was never checked by a parser: where it is malformed it stays as it is.
    std::string rewritten;
    if (type != nullptr && HasAny(*type) && Message(value, *type, depth + 1, rewritten).ok()) {
      content = std::move(rewritten);
    }
    const std::string renamed = InVersion(name, from_, to_);
    if (!renamed.empty() && pool.FindMessageTypeByName(renamed) != nullptr) {
      type_url = absl::StrCat(kTypeUrlPrefix, renamed);
    }
    if (!type_url.empty()) AppendBytesField(1, type_url, out);
    if (!content.empty()) AppendBytesField(2, content, out);
    out += unknown;
    return absl::OkStatus();
  }

  const absl::string_view from_;
  const absl::string_view to_;
  std::map<const Descriptor*, bool> has_any_;
};

}  // namespace

absl::Status CheckSameShape(const Descriptor& one, const Descriptor& other) {
  Pairs compared;
  return CompareShapes(one, other, compared);
}

absl::StatusOr<std::string> RewriteVersion(absl::string_view bytes, const Descriptor& type,
                                           absl::string_view from, absl::string_view to) {
  std::string out;
  out.reserve(bytes.size());
  RETURN_IF_ERROR(Rewriter(from, to).Message(bytes, type, 0, out));
  return out;
}

std::string InVersion(absl::string_view full_name, absl::string_view from, absl::string_view to) {
  const std::string package = absl::StrCat("google.cloud.aiplatform.", from, ".");
  if (!absl::StartsWith(full_name, package)) return "";
  return absl::StrCat("google.cloud.aiplatform.", to, ".", full_name.substr(package.size()));
}

}  // namespace trainyard::edge
