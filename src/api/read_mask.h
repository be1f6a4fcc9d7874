// The read mask of Google's APIs.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/message.h"

namespace trainyard::api {

// Top-level and dotted paths ("job_spec.scheduling.timeout"), in snake_case and camelCase, also
// through repeated fields, where each element is trimmed. "*" and an empty mask keep everything.
class ReadMask {
 public:
  // INVALID_ARGUMENT that names the path that `descriptor` does not have.
  static absl::StatusOr<ReadMask> Parse(const google::protobuf::FieldMask& mask,
                                        const google::protobuf::Descriptor& descriptor);
  void Trim(google::protobuf::Message& message) const { TrimTo(root_, message); }

 private:
  struct Node {
    std::map<std::string, Node> children;  // none: all of it
  };
  static absl::Status Add(const std::string& path, const google::protobuf::Descriptor& descriptor,
                          Node& root);
  static void TrimTo(const Node& node, google::protobuf::Message& message);
  Node root_;
};

}  // namespace trainyard::api
