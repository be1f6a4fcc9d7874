#include "api/storage_json.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status.h"
#include "google/protobuf/util/json_util.h"
#include "model/names.h"

namespace trainyard::api {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

// Members of an object resource that are kept as they are, and served as headers with the bytes.
constexpr const char* kKeptMembers[] = {"cacheControl",    "contentDisposition", "contentEncoding",
                                        "contentLanguage", "customTime",         "storageClass"};

const Value* Find(const Struct& object, absl::string_view key) {
  auto member = object.fields().find(std::string(key));
  return member == object.fields().end() ? nullptr : &member->second;
}

absl::Status WrongKind(absl::string_view key, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat(key, ": expected ", expected, "."));
}

bool HasControlCharacter(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_iscntrl(c); });
}

// Sets `text` from a member; nothing when it is absent, empty when it is null.
absl::Status ApplyText(const Struct& json, absl::string_view key, std::string& text) {
  const Value* value = Find(json, key);
  if (value == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(text, TextMember(json, key));
  if (HasControlCharacter(text)) return WrongKind(key, "text without control characters");
  return absl::OkStatus();
}

absl::Status ApplyMap(const Struct& json, absl::string_view key,
                      std::map<std::string, std::string>& map) {
  const Value* value = Find(json, key);
  if (value == nullptr) return absl::OkStatus();
  if (value->kind_case() == Value::kNullValue) {
    map.clear();
    return absl::OkStatus();
  }
  if (value->kind_case() != Value::kStructValue) return WrongKind(key, "an object");
  for (const auto& [name, item] : value->struct_value().fields()) {
    if (item.kind_case() == Value::kNullValue) {
      map.erase(name);
    } else if (item.kind_case() == Value::kStringValue) {
      map[name] = item.string_value();
    } else {
      return WrongKind(absl::StrCat(key, ".", name), "text");
    }
  }
  return absl::OkStatus();
}

absl::Status RefuseWhatWouldBeIgnored(const Struct& json) {
  for (const char* key : {"temporaryHold", "eventBasedHold"}) {
    const Value* value = Find(json, key);
    if (value != nullptr && value->bool_value()) {
      return absl::UnimplementedError(absl::StrCat(key, " is not supported by this server."));
    }
  }
  for (const char* key : {"retention", "customerEncryption", "kmsKeyName"}) {
    const Value* value = Find(json, key);
    if (value != nullptr && value->kind_case() != Value::kNullValue) {
      return absl::UnimplementedError(absl::StrCat(key, " is not supported by this server."));
    }
  }
  const Value* acl = Find(json, "acl");
  if (acl != nullptr && acl->list_value().values_size() > 0) {
    return absl::InvalidArgumentError(
        "Cannot use legacy ACL for an object when uniform bucket-level access is enabled; it "
        "always "
        "is here.");
  }
  return absl::OkStatus();
}

}  // namespace

std::string QuoteJson(absl::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    unsigned char byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (byte < 0x20 || c == '<' || c == '>' || c == '&' || byte == 0x7f) {
      absl::StrAppendFormat(&quoted, "\\u%04x", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

void JsonObject::Key(absl::string_view key) {
  absl::StrAppend(&text_, text_.size() == 1 ? "" : ",", "\"", key, "\":");
}

JsonObject& JsonObject::Text(absl::string_view key, absl::string_view value) {
  return Raw(key, QuoteJson(value));
}

JsonObject& JsonObject::Number(absl::string_view key, uint64_t value) {
  return Raw(key, absl::StrCat("\"", value, "\""));
}

JsonObject& JsonObject::Bool(absl::string_view key, bool value) {
  return Raw(key, value ? "true" : "false");
}

JsonObject& JsonObject::Time(absl::string_view key, absl::Time value) {
  return Raw(key, absl::FormatTime("\"%Y-%m-%dT%H:%M:%E3SZ\"", value, absl::UTCTimeZone()));
}

JsonObject& JsonObject::Map(absl::string_view key,
                            const std::map<std::string, std::string>& value) {
  if (value.empty()) return *this;
  std::string json = "{";
  for (const auto& [name, item] : value) {
    absl::StrAppend(&json, json.size() == 1 ? "" : ",", QuoteJson(name), ":", QuoteJson(item));
  }
  return Raw(key, json + "}");
}

JsonObject& JsonObject::Raw(absl::string_view key, absl::string_view json) {
  Key(key);
  absl::StrAppend(&text_, json);
  return *this;
}

JsonObject& JsonObject::List(absl::string_view key, const std::vector<std::string>& json_items) {
  if (json_items.empty()) return *this;
  Key(key);
  text_ += "[";
  for (size_t i = 0; i < json_items.size(); ++i) {
    absl::StrAppend(&text_, i == 0 ? "" : ",", json_items[i]);
  }
  text_ += "]";
  return *this;
}

std::string PercentEncode(absl::string_view text) {
  std::string encoded;
  for (char c : text) {
    unsigned char byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || c == '-' || c == '_' || c == '.' || c == '~') {
      encoded += c;
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", byte);
    }
  }
  return encoded;
}

std::string BucketJson(const objects::Bucket& bucket, absl::string_view host) {
  JsonObject json;
  json.Text("kind", "storage#bucket")
      .Text("id", bucket.name)
      .Text("name", bucket.name)
      .Text("selfLink", absl::StrCat("https://", host, "/storage/v1/b/", bucket.name))
      .Text("projectNumber", model::ProjectNumber(bucket.project))
      .Number("metageneration", static_cast<uint64_t>(bucket.metageneration))
      .Text("location", absl::AsciiStrToUpper(bucket.location))
      .Text("locationType", "region")
      .Text("storageClass", bucket.storage_class)
      .Text("etag", absl::WebSafeBase64Escape(absl::StrCat(bucket.metageneration)))
      .Time("timeCreated", bucket.created)
      .Time("updated", bucket.updated)
      .Raw("iamConfiguration",
           R"({"uniformBucketLevelAccess":{"enabled":true},"publicAccessPrevention":"enforced"})")
      .Map("labels", bucket.labels);
  return json.Finish();
}

std::string EtagOf(const objects::Object& object) {
  return absl::WebSafeBase64Escape(absl::StrCat(object.generation, "/", object.metageneration));
}

std::string ObjectJson(const objects::Object& object, absl::string_view host) {
  std::string path =
      absl::StrCat("/storage/v1/b/", object.bucket, "/o/", PercentEncode(object.name));
  JsonObject json;
  json.Text("kind", "storage#object")
      .Text("id", absl::StrCat(object.bucket, "/", object.name, "/", object.generation))
      .Text("selfLink", absl::StrCat("https://", host, path))
      .Text("mediaLink", absl::StrCat("https://", host, "/download", path,
                                      "?generation=", object.generation, "&alt=media"))
      .Text("name", object.name)
      .Text("bucket", object.bucket)
      .Number("generation", static_cast<uint64_t>(object.generation))
      .Number("metageneration", static_cast<uint64_t>(object.metageneration))
      .Text("contentType", object.content_type)
      .Number("size", object.size_bytes);
  if (object.has_crc32c) json.Text("crc32c", objects::EncodeCrc32c(object.crc32c));
  if (!object.md5.empty()) json.Text("md5Hash", absl::Base64Escape(object.md5));
  for (const auto& [key, value] : object.headers) json.Text(key, value);
  if (object.headers.count("storageClass") == 0) json.Text("storageClass", "STANDARD");
  json.Text("etag", EtagOf(object))
      .Time("timeCreated", object.created)
      .Time("updated", object.updated)
      .Time("timeStorageClassUpdated", object.created)
      .Map("metadata", object.metadata);
  return json.Finish();
}

absl::StatusOr<Struct> ParseJsonObject(const std::string& text) {
  Struct object;
  if (absl::StripAsciiWhitespace(text).empty()) return object;
  google::protobuf::util::Status status =
      google::protobuf::util::JsonStringToMessage(text, &object);
  if (status.ok()) return object;
  return absl::InvalidArgumentError("The body is not a JSON object.");
}

std::string StructJson(const Struct& object) {
  std::string text;
  bool written = google::protobuf::util::MessageToJsonString(object, &text).ok();
  return written ? text : "{}";
}

absl::StatusOr<std::string> TextMember(const Struct& object, absl::string_view key) {
  const Value* value = Find(object, key);
  if (value == nullptr || value->kind_case() == Value::kNullValue) return std::string();
  if (value->kind_case() != Value::kStringValue) return WrongKind(key, "text");
  return value->string_value();
}

absl::StatusOr<std::map<std::string, std::string>> MapMember(const Struct& object,
                                                             absl::string_view key) {
  std::map<std::string, std::string> map;
  RETURN_IF_ERROR(ApplyMap(object, key, map));
  return map;
}

absl::Status ApplyObjectJson(const Struct& json, objects::ObjectAttributes& attributes) {
  RETURN_IF_ERROR(RefuseWhatWouldBeIgnored(json));
  RETURN_IF_ERROR(ApplyText(json, "contentType", attributes.content_type));
  if (HasControlCharacter(attributes.content_type)) {  // of a header
    return WrongKind("contentType", "text without control characters");
  }
  RETURN_IF_ERROR(ApplyText(json, "crc32c", attributes.checksums.crc32c_base64));
  RETURN_IF_ERROR(ApplyText(json, "md5Hash", attributes.checksums.md5_base64));
  for (const char* key : kKeptMembers) {
    std::string value;
    RETURN_IF_ERROR(ApplyText(json, key, value));
    if (Find(json, key) == nullptr) continue;
    if (value.empty()) {
      attributes.headers.erase(key);
    } else {
      attributes.headers[key] = value;
    }
  }
  return ApplyMap(json, "metadata", attributes.metadata);
}

absl::Status ApplyBucketJson(const Struct& json, objects::Bucket& bucket) {
  std::string storage_class;
  RETURN_IF_ERROR(ApplyText(json, "storageClass", storage_class));
  if (!storage_class.empty()) bucket.storage_class = storage_class;
  return ApplyMap(json, "labels", bucket.labels);
}

}  // namespace trainyard::api
