#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "api/storage_calls.h"
#include "api/storage_json.h"
#include "base/status.h"

namespace trainyard::api {
namespace {

constexpr size_t kCopyBytes = 1 << 20;
constexpr int kComposeSourcesMax = 32;

absl::Status SendObject(StorageExchange& exchange, const objects::Object& object) {
  return SendJson(exchange, ObjectJson(object, exchange.host()));
}

objects::ObjectAttributes AttributesOf(const objects::Object& object) {
  return {object.content_type, object.headers, object.metadata, {}};
}

bool Fails(const objects::Preconditions& asked, const objects::Object& object) {
  return (asked.if_generation_match >= 0 && asked.if_generation_match != object.generation) ||
         (asked.if_metageneration_match >= 0 &&
          asked.if_metageneration_match != object.metageneration) ||
         asked.if_generation_not_match == object.generation ||
         asked.if_metageneration_not_match == object.metageneration;
}

absl::Status NotMet() {
  return absl::FailedPreconditionError(
      "At least one of the pre-conditions you specified did not hold.");
}

// A change of the attributes that starts from what they are, or from nothing.
absl::Status ChangeObject(StorageExchange& exchange, bool from_nothing) {
  ASSIGN_OR_RETURN(google::protobuf::Struct body, ReadJson(exchange));
  ASSIGN_OR_RETURN(objects::Preconditions preconditions,
                   ParsePreconditions(exchange.request, "if"));
  const StorageTarget& target = exchange.target;
  ASSIGN_OR_RETURN(objects::Object object,
                   exchange.objects().GetObject(target.bucket, target.object));
  RETURN_IF_ERROR(CheckGeneration(exchange, object));
  objects::ObjectAttributes attributes =
      from_nothing ? objects::ObjectAttributes() : AttributesOf(object);
  RETURN_IF_ERROR(ApplyObjectJson(body, attributes));
  ASSIGN_OR_RETURN(object, exchange.objects().UpdateObject(target.bucket, target.object, attributes,
                                                           preconditions));
  return SendObject(exchange, object);
}

absl::Status CopyBytes(objects::ObjectReader& source, objects::ObjectWriter& writer) {
  uint64_t offset = 0;
  while (offset < source.object().size_bytes) {
    ASSIGN_OR_RETURN(std::string bytes, source.Read(offset, kCopyBytes));
    if (bytes.empty())
      return absl::UnavailableError("The source was cut short while it was copied.");
    RETURN_IF_ERROR(writer.Append(bytes));
    offset += bytes.size();
  }
  return absl::OkStatus();
}

// Copies the target's object as the body and the query say.
absl::StatusOr<objects::Object> Copy(StorageExchange& exchange) {
  const StorageTarget& target = exchange.target;
  RETURN_IF_ERROR(CheckBucketPermission(exchange.services, exchange.request.caller,
                                        "storage.objects.create", target.to_bucket));
  ASSIGN_OR_RETURN(google::protobuf::Struct body, ReadJson(exchange));
  ASSIGN_OR_RETURN(objects::Preconditions preconditions,
                   ParsePreconditions(exchange.request, "if"));
  ASSIGN_OR_RETURN(objects::Preconditions on_source,
                   ParsePreconditions(exchange.request, "ifSource"));
  ASSIGN_OR_RETURN(int64_t generation, ParseNumber(exchange.request, "sourceGeneration", -1));
  ASSIGN_OR_RETURN(auto source, exchange.objects().OpenObject(target.bucket, target.object));
  if (generation >= 0 && generation != source->object().generation) {
    return absl::NotFoundError(
        absl::StrCat("No such object: ", target.bucket, "/", target.object, "#", generation));
  }
  if (Fails(on_source, source->object())) return NotMet();
  // A resource in the body replaces the attributes; without one they are copied.
  objects::ObjectAttributes attributes;
  if (body.fields().empty()) attributes = AttributesOf(source->object());
  RETURN_IF_ERROR(ApplyObjectJson(body, attributes));
  if (attributes.content_type.empty()) attributes.content_type = source->object().content_type;
  ASSIGN_OR_RETURN(auto writer, exchange.objects().CreateObject(target.to_bucket, target.to_object,
                                                                attributes, preconditions));
  RETURN_IF_ERROR(CopyBytes(*source, *writer));
  return writer->Commit();
}

absl::Status AppendSource(StorageExchange& exchange, const google::protobuf::Value& source,
                          objects::ObjectWriter& writer) {
  ASSIGN_OR_RETURN(std::string name, TextMember(source.struct_value(), "name"));
  ASSIGN_OR_RETURN(std::string generation, TextMember(source.struct_value(), "generation"));
  ASSIGN_OR_RETURN(auto reader, exchange.objects().OpenObject(exchange.target.bucket, name));
  if (!generation.empty() && generation != absl::StrCat(reader->object().generation)) {
    return absl::NotFoundError(
        absl::StrCat("No such object: ", exchange.target.bucket, "/", name, "#", generation));
  }
  return CopyBytes(*reader, writer);
}

}  // namespace

absl::Status ListObjects(StorageExchange& exchange) {
  const edge::HttpRequest& request = exchange.request;
  auto text = [&](const char* name) { return std::string(request.Query(name)); };
  if (!text("matchGlob").empty() || text("softDeleted") == "true") {
    return absl::UnimplementedError("matchGlob and softDeleted are not supported by this server.");
  }
  objects::ListOptions options{
      .prefix = text("prefix"),
      .delimiter = text("delimiter"),
      .start_offset = text("startOffset"),
      .end_offset = text("endOffset"),
      .include_trailing_delimiter = text("includeTrailingDelimiter") == "true",
      .page_token = text("pageToken")};
  ASSIGN_OR_RETURN(int64_t page_size, ParseNumber(request, "maxResults", 1000));
  options.page_size = static_cast<int>(std::min<int64_t>(page_size, 1000));
  ASSIGN_OR_RETURN(objects::ObjectPage page,
                   exchange.objects().ListObjects(exchange.target.bucket, options));
  std::vector<std::string> items, prefixes;
  for (const objects::Object& object : page.objects) {
    items.push_back(ObjectJson(object, exchange.host()));
  }
  for (const std::string& prefix : page.prefixes) prefixes.push_back(QuoteJson(prefix));
  JsonObject json;
  json.Text("kind", "storage#objects");
  if (!page.next_page_token.empty()) json.Text("nextPageToken", page.next_page_token);
  return SendJson(exchange, json.List("prefixes", prefixes).List("items", items).Finish());
}

absl::Status GetObject(StorageExchange& exchange) {
  if (exchange.request.Query("alt") == "media") return DownloadObject(exchange);
  ASSIGN_OR_RETURN(objects::Preconditions asked, ParsePreconditions(exchange.request, "if"));
  ASSIGN_OR_RETURN(objects::Object object,
                   exchange.objects().GetObject(exchange.target.bucket, exchange.target.object));
  RETURN_IF_ERROR(CheckGeneration(exchange, object));
  if (asked.if_generation_not_match == object.generation ||
      asked.if_metageneration_not_match == object.metageneration) {
    return SendEmpty(exchange, 304, {{"etag", EtagOf(object)}});
  }
  if (Fails(asked, object)) return NotMet();
  return SendObject(exchange, object);
}

absl::Status PatchObject(StorageExchange& exchange) { return ChangeObject(exchange, false); }
absl::Status UpdateObject(StorageExchange& exchange) { return ChangeObject(exchange, true); }

absl::Status DeleteObject(StorageExchange& exchange) {
  const StorageTarget& target = exchange.target;
  ASSIGN_OR_RETURN(objects::Preconditions preconditions,
                   ParsePreconditions(exchange.request, "if"));
  ASSIGN_OR_RETURN(int64_t generation, ParseNumber(exchange.request, "generation", -1));
  bool named = generation >= 0 && preconditions.if_generation_match < 0;
  if (named) preconditions.if_generation_match = generation;
  absl::Status deleted =
      exchange.objects().DeleteObject(target.bucket, target.object, preconditions);
  if (named && absl::IsFailedPrecondition(deleted)) {
    return absl::NotFoundError(
        absl::StrCat("No such object: ", target.bucket, "/", target.object, "#", generation));
  }
  RETURN_IF_ERROR(deleted);
  return SendEmpty(exchange, 204, {});
}

absl::Status ComposeObject(StorageExchange& exchange) {
  const StorageTarget& target = exchange.target;
  RETURN_IF_ERROR(CheckBucketPermission(exchange.services, exchange.request.caller,
                                        "storage.objects.get", target.bucket));
  ASSIGN_OR_RETURN(google::protobuf::Struct body, ReadJson(exchange));
  ASSIGN_OR_RETURN(objects::Preconditions preconditions,
                   ParsePreconditions(exchange.request, "if"));
  auto sources = body.fields().find("sourceObjects");
  int count = sources == body.fields().end() ? 0 : sources->second.list_value().values_size();
  if (count < 1 || count > kComposeSourcesMax) {
    return absl::InvalidArgumentError("sourceObjects: expected 1 to 32 objects.");
  }
  objects::ObjectAttributes attributes;
  auto destination = body.fields().find("destination");
  if (destination != body.fields().end()) {
    RETURN_IF_ERROR(ApplyObjectJson(destination->second.struct_value(), attributes));
  }
  ASSIGN_OR_RETURN(auto writer, exchange.objects().CreateObject(target.bucket, target.object,
                                                                attributes, preconditions));
  for (const google::protobuf::Value& source : sources->second.list_value().values()) {
    RETURN_IF_ERROR(AppendSource(exchange, source, *writer));
  }
  ASSIGN_OR_RETURN(objects::Object object, writer->Commit());
  return SendObject(exchange, object);
}

absl::Status RewriteObject(StorageExchange& exchange) {
  ASSIGN_OR_RETURN(objects::Object object, Copy(exchange));
  if (exchange.target.is_copy) return SendObject(exchange, object);
  JsonObject json;
  json.Text("kind", "storage#rewriteResponse")
      .Number("totalBytesRewritten", object.size_bytes)
      .Number("objectSize", object.size_bytes)
      .Bool("done", true)
      .Raw("resource", ObjectJson(object, exchange.host()));
  return SendJson(exchange, json.Finish());
}

absl::Status MoveObject(StorageExchange& exchange) {
  const StorageTarget& target = exchange.target;
  RETURN_IF_ERROR(CheckBucketPermission(exchange.services, exchange.request.caller,
                                        "storage.objects.delete", target.bucket));
  ASSIGN_OR_RETURN(objects::Object source,
                   exchange.objects().GetObject(target.bucket, target.object));
  if (target.object == target.to_object) {
    return absl::InvalidArgumentError("The source and the destination are the same object.");
  }
  ASSIGN_OR_RETURN(objects::Object object, Copy(exchange));
  RETURN_IF_ERROR(exchange.objects().DeleteObject(target.bucket, target.object,
                                                  {.if_generation_match = source.generation}));
  return SendObject(exchange, object);
}

}  // namespace trainyard::api
