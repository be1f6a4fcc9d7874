#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "api/storage_calls.h"
#include "api/storage_json.h"
#include "base/status.h"

namespace trainyard::api {
namespace {

constexpr size_t kReadBytes = 256 << 10;

struct KeptHeader {
  const char* member;
  const char* header;
};
constexpr KeptHeader kKeptHeaders[] = {{"cacheControl", "cache-control"},
                                       {"contentDisposition", "content-disposition"},
                                       {"contentEncoding", "content-encoding"},
                                       {"contentLanguage", "content-language"}};

edge::Headers HeadersOf(const objects::Object& object) {
  edge::Headers headers = {{"content-type", object.content_type},
                           {"accept-ranges", "bytes"},
                           {"etag", EtagOf(object)},
                           {"last-modified", absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT",
                                                              object.updated, absl::UTCTimeZone())},
                           {"x-goog-generation", absl::StrCat(object.generation)},
                           {"x-goog-metageneration", absl::StrCat(object.metageneration)},
                           {"x-goog-storage-class", "STANDARD"},
                           {"x-goog-stored-content-length", absl::StrCat(object.size_bytes)}};
  std::string hashes;
  if (object.has_crc32c) hashes = "crc32c=" + objects::EncodeCrc32c(object.crc32c);
  if (!object.md5.empty()) {
    absl::StrAppend(&hashes, hashes.empty() ? "" : ",", "md5=", absl::Base64Escape(object.md5));
  }
  if (!hashes.empty()) headers.emplace_back("x-goog-hash", hashes);
  std::string encoding = "identity";
  for (const KeptHeader& kept : kKeptHeaders) {
    auto value = object.headers.find(kept.member);
    if (value == object.headers.end()) continue;
    headers.emplace_back(kept.header, value->second);
    if (kept.member == kKeptHeaders[2].member) encoding = value->second;
  }
  headers.emplace_back("x-goog-stored-content-encoding", encoding);
  return headers;
}

// The head is out: a failure from here on can only end the connection, which a short body does.
void SendBytes(StorageExchange& exchange, objects::ObjectReader& reader, ByteRange range) {
  while (range.first < range.end) {
    size_t length = static_cast<size_t>(std::min<uint64_t>(kReadBytes, range.end - range.first));
    absl::StatusOr<std::string> bytes = reader.Read(range.first, length);
    if (!bytes.ok() || bytes->empty() || !exchange.writer.Write(*bytes).ok()) return;
    range.first += bytes->size();
  }
}

}  // namespace

absl::Status DownloadObject(StorageExchange& exchange) {
  ASSIGN_OR_RETURN(objects::Preconditions asked, ParsePreconditions(exchange.request, "if"));
  ASSIGN_OR_RETURN(auto reader,
                   exchange.objects().OpenObject(exchange.target.bucket, exchange.target.object));
  const objects::Object& object = reader->object();
  RETURN_IF_ERROR(CheckGeneration(exchange, object));
  if (asked.if_generation_not_match == object.generation ||
      asked.if_metageneration_not_match == object.metageneration) {
    return SendEmpty(exchange, 304, {{"etag", EtagOf(object)}});
  }
  bool fails = (asked.if_generation_match >= 0 && asked.if_generation_match != object.generation) ||
               (asked.if_metageneration_match >= 0 &&
                asked.if_metageneration_match != object.metageneration);
  if (fails) {
    return absl::FailedPreconditionError(
        "At least one of the pre-conditions you specified did not hold.");
  }
  edge::Headers headers = HeadersOf(object);
  ByteRange range{0, object.size_bytes};
  RangeKind kind = ParseRange(exchange.request.Header("range"), object.size_bytes, range);
  if (kind == RangeKind::kUnsatisfiable) {
    headers.emplace_back("content-range", absl::StrCat("bytes */", object.size_bytes));
    return SendEmpty(exchange, 416, headers);
  }
  if (kind == RangeKind::kPart) {
    headers.emplace_back("content-range", absl::StrCat("bytes ", range.first, "-", range.end - 1,
                                                       "/", object.size_bytes));
  }
  absl::Status started = exchange.writer.Start(kind == RangeKind::kPart ? 206 : 200, headers,
                                               static_cast<int64_t>(range.end - range.first));
  if (started.ok()) SendBytes(exchange, *reader, range);
  return absl::OkStatus();
}

}  // namespace trainyard::api
