// What a request to the object store's API asks for: its target, ranges and conditions. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "edge/http_handler.h"
#include "objects/objects.h"

namespace trainyard::api {

enum class StorageNoun {
  kBuckets,        // .../b
  kBucket,         // .../b/B
  kBucketIam,      // .../b/B/iam
  kBucketIamTest,  // .../b/B/iam/testPermissions
  kBucketLayout,   // .../b/B/storageLayout
  kBucketAcl,      // .../b/B/acl, .../b/B/defaultObjectAcl, .../b/B/o/O/acl
  kObjects,        // .../b/B/o
  kObject,         // .../b/B/o/O
  kCompose,        // .../b/B/o/O/compose
  kRewrite,        // .../b/B/o/O/rewriteTo/b/B2/o/O2, .../copyTo/...
  kMove,           // .../b/B/o/O/moveTo/o/O2
  kUpload,         // /upload/storage/v1/b/B/o
  kDownload,       // /download/storage/v1/b/B/o/O
};

struct StorageTarget {
  StorageNoun noun = StorageNoun::kBuckets;
  std::string bucket, object;
  std::string to_bucket, to_object;  // kRewrite, kMove
  bool is_copy = false;              // copyTo: answers with the object alone
};

// `path` as sent. NOT_FOUND for a path that the API does not have.
absl::StatusOr<StorageTarget> ParseStorageTarget(absl::string_view path);

// ifGenerationMatch and its like, from the query, with `prefix` "if" or "ifSource".
absl::StatusOr<objects::Preconditions> ParsePreconditions(const edge::HttpRequest& request,
                                                          absl::string_view prefix);

// A whole number in the query; `fallback` when it is absent.
absl::StatusOr<int64_t> ParseNumber(const edge::HttpRequest& request, absl::string_view name,
                                    int64_t fallback);

// Checksums of the headers X-Goog-Hash and Content-MD5.
objects::Checksums ParseHashHeaders(const edge::HttpRequest& request);

// Bytes [first, end) of an object.
struct ByteRange {
  uint64_t first = 0;
  uint64_t end = 0;
};
enum class RangeKind { kAll, kPart, kUnsatisfiable };
// The header Range. Of several ranges, or what is no range, nothing is heeded (RFC 9110, 14.2).
RangeKind ParseRange(absl::string_view header, uint64_t size_bytes, ByteRange& range);

// The header Content-Range of a resumable upload.
struct UploadRange {
  bool has_bytes = false;
  uint64_t first = 0;             // has_bytes
  uint64_t end = 0;               // has_bytes
  std::optional<uint64_t> total;  // "*": not known yet
};
absl::StatusOr<UploadRange> ParseContentRange(absl::string_view header);

}  // namespace trainyard::api
