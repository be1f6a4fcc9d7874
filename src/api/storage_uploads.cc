#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "api/multipart.h"
#include "api/storage_calls.h"
#include "api/storage_json.h"
#include "base/status.h"

namespace trainyard::api {
namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr size_t kJsonBytesMax = 1 << 20;

absl::Status SendObject(StorageExchange& exchange, const objects::Object& object) {
  return SendJson(exchange, ObjectJson(object, exchange.host()));
}

void Merge(const objects::Checksums& given, objects::Checksums& checksums) {
  if (!given.crc32c_base64.empty()) checksums.crc32c_base64 = given.crc32c_base64;
  if (!given.md5_base64.empty()) checksums.md5_base64 = given.md5_base64;
}

// The name is in the query or in the resource.
absl::Status TakeName(StorageExchange& exchange, const google::protobuf::Struct& resource) {
  ASSIGN_OR_RETURN(std::string name, TextMember(resource, "name"));
  std::string in_query(exchange.request.Query("name"));
  exchange.target.object = in_query.empty() ? name : in_query;
  if (!exchange.target.object.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("Required parameter: name");
}

absl::Status CommitAndSend(StorageExchange& exchange, objects::ObjectWriter& writer) {
  ASSIGN_OR_RETURN(objects::Object object, writer.Commit());
  return SendObject(exchange, object);
}

absl::Status UploadMedia(StorageExchange& exchange) {
  RETURN_IF_ERROR(TakeName(exchange, {}));
  objects::ObjectAttributes attributes;
  attributes.content_type = std::string(exchange.request.Header("content-type"));
  std::string encoding(exchange.request.Query("contentEncoding"));
  if (!encoding.empty()) attributes.headers["contentEncoding"] = encoding;
  Merge(ParseHashHeaders(exchange.request), attributes.checksums);
  ASSIGN_OR_RETURN(objects::Preconditions preconditions,
                   ParsePreconditions(exchange.request, "if"));
  ASSIGN_OR_RETURN(auto writer,
                   exchange.objects().CreateObject(exchange.target.bucket, exchange.target.object,
                                                   attributes, preconditions));
  while (true) {
    ASSIGN_OR_RETURN(std::string bytes, exchange.request.body->Read(kReadBytes));
    if (bytes.empty()) return CommitAndSend(exchange, *writer);
    RETURN_IF_ERROR(writer->Append(bytes));
  }
}

absl::Status UploadMultipart(StorageExchange& exchange) {
  ASSIGN_OR_RETURN(
      MultipartReader body,
      MultipartReader::Create(exchange.request.Header("content-type"), *exchange.request.body));
  ASSIGN_OR_RETURN(std::string json, body.ReadJson(kJsonBytesMax));
  ASSIGN_OR_RETURN(google::protobuf::Struct resource, ParseJsonObject(json));
  RETURN_IF_ERROR(TakeName(exchange, resource));
  objects::ObjectAttributes attributes;
  ASSIGN_OR_RETURN(attributes.content_type, body.ReadContentType());
  RETURN_IF_ERROR(ApplyObjectJson(resource, attributes));
  Merge(ParseHashHeaders(exchange.request), attributes.checksums);
  ASSIGN_OR_RETURN(objects::Preconditions preconditions,
                   ParsePreconditions(exchange.request, "if"));
  ASSIGN_OR_RETURN(auto writer,
                   exchange.objects().CreateObject(exchange.target.bucket, exchange.target.object,
                                                   attributes, preconditions));
  while (true) {
    ASSIGN_OR_RETURN(std::string bytes, body.ReadBytes(kReadBytes));
    if (bytes.empty()) return CommitAndSend(exchange, *writer);
    RETURN_IF_ERROR(writer->Append(bytes));
  }
}

absl::Status StartResumable(StorageExchange& exchange) {
  ASSIGN_OR_RETURN(google::protobuf::Struct resource, ReadJson(exchange));
  RETURN_IF_ERROR(TakeName(exchange, resource));
  objects::ObjectAttributes attributes;
  attributes.content_type = std::string(exchange.request.Header("x-upload-content-type"));
  RETURN_IF_ERROR(ApplyObjectJson(resource, attributes));
  ASSIGN_OR_RETURN(objects::Preconditions preconditions,
                   ParsePreconditions(exchange.request, "if"));
  ASSIGN_OR_RETURN(objects::Upload upload,
                   exchange.objects().StartUpload(exchange.target.bucket, exchange.target.object,
                                                  attributes, preconditions));
  exchange.audited = false;  // the object comes with the last bytes
  std::string location = absl::StrCat(
      "https://", exchange.host(), "/upload/storage/v1/b/", PercentEncode(exchange.target.bucket),
      "/o?uploadType=resumable&name=", PercentEncode(exchange.target.object),
      "&upload_id=", upload.id);
  return SendEmpty(exchange, 200, {{"location", location}, {"x-guploader-uploadid", upload.id}});
}

// 308: how much is here.
absl::Status SendProgress(StorageExchange& exchange, const objects::Upload& upload) {
  exchange.audited = false;
  edge::Headers headers = {{"x-guploader-uploadid", upload.id}};
  if (upload.received_bytes > 0) {
    headers.emplace_back("range", absl::StrCat("bytes=0-", upload.received_bytes - 1));
  }
  return SendEmpty(exchange, 308, headers);
}

// The session that the query names, if it is one of the bucket in the path.
absl::StatusOr<objects::Upload> FindUpload(StorageExchange& exchange) {
  exchange.audited = false;
  std::string id(exchange.request.Query("upload_id"));
  if (id.empty()) return absl::InvalidArgumentError("Required parameter: upload_id");
  ASSIGN_OR_RETURN(objects::Upload upload, exchange.objects().GetUpload(id));
  if (upload.bucket != exchange.target.bucket) {
    return absl::NotFoundError("No such upload in this bucket.");
  }
  exchange.target.object = upload.name;
  exchange.audited = true;
  return upload;
}

// A request without Content-Range has all the bytes.
absl::StatusOr<UploadRange> RangeOf(const edge::HttpRequest& request) {
  absl::string_view header = request.Header("content-range");
  if (!header.empty()) return ParseContentRange(header);
  UploadRange range{.has_bytes = true, .first = 0, .end = UINT64_MAX};
  uint64_t length = 0;
  if (absl::SimpleAtoi(request.Header("content-length"), &length)) range.total = length;
  return range;
}

// Takes the body's bytes, which start at `first`; what was received before is passed over. An
// interrupted body leaves what came: the client asks and goes on.
absl::Status ReceiveBytes(StorageExchange& exchange, objects::Upload& upload, uint64_t first,
                          uint64_t end) {
  if (first > upload.received_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("The upload has ", upload.received_bytes,
                                                   " bytes; the bytes from ", first,
                                                   " come too early."));
  }
  uint64_t position = first;
  while (true) {
    ASSIGN_OR_RETURN(std::string bytes, exchange.request.body->Read(kReadBytes));
    if (bytes.empty()) break;
    if (bytes.size() > end - position) {
      return absl::InvalidArgumentError("The body is longer than its Content-Range.");
    }
    uint64_t known = std::min<uint64_t>(bytes.size(), upload.received_bytes - position);
    position += bytes.size();
    if (known == bytes.size()) continue;
    ASSIGN_OR_RETURN(upload,
                     exchange.objects().AppendUpload(upload.id, upload.received_bytes,
                                                     absl::string_view(bytes).substr(known)));
  }
  if (end != UINT64_MAX && position != end) {
    return absl::InvalidArgumentError("The body is shorter than its Content-Range.");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status StartUpload(StorageExchange& exchange) {
  absl::string_view type = exchange.request.Query("uploadType");
  if (type == "media") return UploadMedia(exchange);
  if (type == "multipart") return UploadMultipart(exchange);
  if (type == "resumable") return StartResumable(exchange);
  return absl::InvalidArgumentError("uploadType: expected media, multipart or resumable.");
}

absl::Status ContinueUpload(StorageExchange& exchange) {
  ASSIGN_OR_RETURN(objects::Upload upload, FindUpload(exchange));
  if (upload.object.has_value()) {  // the answer to the last bytes was lost
    exchange.audited = false;
    return SendObject(exchange, *upload.object);
  }
  ASSIGN_OR_RETURN(UploadRange range, RangeOf(exchange.request));
  exchange.audited = false;
  if (range.has_bytes) {
    RETURN_IF_ERROR(ReceiveBytes(exchange, upload, range.first, range.end));
    if (range.end == UINT64_MAX) range.total = upload.received_bytes;
  }
  if (range.total.has_value() && upload.received_bytes > *range.total) {
    return absl::InvalidArgumentError(
        absl::StrCat("The upload has ", upload.received_bytes, " bytes, more than its total."));
  }
  if (range.total != upload.received_bytes) return SendProgress(exchange, upload);
  exchange.audited = true;
  ASSIGN_OR_RETURN(objects::Object object,
                   exchange.objects().FinishUpload(upload.id, ParseHashHeaders(exchange.request)));
  return SendObject(exchange, object);
}

absl::Status CancelUpload(StorageExchange& exchange) {
  ASSIGN_OR_RETURN(objects::Upload upload, FindUpload(exchange));
  RETURN_IF_ERROR(exchange.objects().CancelUpload(upload.id));
  return SendEmpty(exchange, 499, {});
}

}  // namespace trainyard::api
