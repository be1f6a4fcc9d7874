#include "api/read_mask.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "google/protobuf/descriptor.h"

namespace trainyard::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kPathsMax = 1000;

std::string SnakeCase(absl::string_view name) {
  std::string snake;
  for (char c : name) {
    if (absl::ascii_isupper(c)) snake += '_';
    snake += absl::ascii_tolower(c);
  }
  return snake;
}

absl::Status NoSuchField(const std::string& path, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("read_mask: \"", path.substr(0, 100), "\" names no field: ", why));
}

}  // namespace

absl::StatusOr<ReadMask> ReadMask::Parse(const google::protobuf::FieldMask& mask,
                                         const Descriptor& descriptor) {
  ReadMask parsed;
  if (mask.paths_size() > kPathsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("read_mask: at most ", kPathsMax, " paths are allowed."));
  }
  bool everything = false;
  for (const std::string& path : mask.paths()) {
    if (path == "*") {
      everything = true;
    } else {
      RETURN_IF_ERROR(Add(path, descriptor, parsed.root_));
    }
  }
  if (everything) parsed.root_.children.clear();
  return parsed;
}

absl::Status ReadMask::Add(const std::string& path, const Descriptor& descriptor, Node& root) {
  const Descriptor* message = &descriptor;
  std::vector<const FieldDescriptor*> fields;
  for (absl::string_view part : absl::StrSplit(path, '.')) {
    if (message == nullptr) {
      return NoSuchField(path, absl::StrCat(fields.back()->name(), " has no fields."));
    }
    const FieldDescriptor* field = message->FindFieldByName(std::string(part));
    if (field == nullptr) field = message->FindFieldByName(SnakeCase(part));
    if (field == nullptr) {
      return NoSuchField(path,
                         absl::StrCat(message->name(), " has no \"", part.substr(0, 60), "\"."));
    }
    fields.push_back(field);
    message = field->is_map() ? nullptr : field->message_type();
  }
  Node* node = &root;
  bool covered = false;  // a shorter path has it all
  for (size_t i = 0; i < fields.size() && !covered; ++i) {
    auto [child, is_new] = node->children.try_emplace(fields[i]->name());
    node = &child->second;
    covered = !is_new && node->children.empty();
  }
  if (!covered) node->children.clear();
  return absl::OkStatus();
}

void ReadMask::TrimTo(const Node& node, Message& message) {
  if (node.children.empty()) return;
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> present;
  reflection.ListFields(message, &present);
  for (const FieldDescriptor* field : present) {
    auto child = node.children.find(field->name());
    if (child == node.children.end()) {
      reflection.ClearField(&message, field);
    } else if (child->second.children.empty()) {
      continue;
    } else if (!field->is_repeated()) {
      TrimTo(child->second, *reflection.MutableMessage(&message, field));
    } else {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        TrimTo(child->second, *reflection.MutableRepeatedMessage(&message, field, i));
      }
    }
  }
}

}  // namespace trainyard::api
