// The object store's resources in JSON, written member by member: no tree is built for a page of a
// thousand objects.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/struct.pb.h"
#include "objects/objects.h"

namespace trainyard::api {

// A JSON object in the making. Threads: one.
class JsonObject {
 public:
  JsonObject& Text(absl::string_view key, absl::string_view value);
  // As the API writes 64-bit numbers: in quotes.
  JsonObject& Number(absl::string_view key, uint64_t value);
  JsonObject& Bool(absl::string_view key, bool value);
  JsonObject& Time(absl::string_view key, absl::Time value);
  JsonObject& Map(absl::string_view key, const std::map<std::string, std::string>& value);
  JsonObject& Raw(absl::string_view key, absl::string_view json);
  // Left out when it is empty.
  JsonObject& List(absl::string_view key, const std::vector<std::string>& json_items);
  std::string Finish() { return text_ + "}"; }

 private:
  void Key(absl::string_view key);
  std::string text_ = "{";
};

std::string QuoteJson(absl::string_view text);

// `host` is where the client found the server: links lead back to it.
std::string BucketJson(const objects::Bucket& bucket, absl::string_view host);
std::string ObjectJson(const objects::Object& object, absl::string_view host);
std::string EtagOf(const objects::Object& object);

// Everything but unreserved characters as %XX.
std::string PercentEncode(absl::string_view text);

// An object; INVALID_ARGUMENT otherwise. An empty text is an empty object.
absl::StatusOr<google::protobuf::Struct> ParseJsonObject(const std::string& text);

std::string StructJson(const google::protobuf::Struct& object);

// A member that is text; empty when it is absent. INVALID_ARGUMENT for another kind.
absl::StatusOr<std::string> TextMember(const google::protobuf::Struct& object,
                                       absl::string_view key);
// A member that maps text to text.
absl::StatusOr<std::map<std::string, std::string>> MapMember(const google::protobuf::Struct& object,
                                                             absl::string_view key);

// Changes `attributes` as the members of an object resource say; a null removes. The name and what
// the server decides are passed over.
absl::Status ApplyObjectJson(const google::protobuf::Struct& json,
                             objects::ObjectAttributes& attributes);
// Storage class and labels of a bucket resource.
absl::Status ApplyBucketJson(const google::protobuf::Struct& json, objects::Bucket& bucket);

}  // namespace trainyard::api
