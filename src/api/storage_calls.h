// The calls of the object store's API, by noun: storage_buckets.cc, storage_objects.cc,
// storage_download.cc, storage_uploads.cc.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/storage_request.h"
#include "base/clock.h"
#include "edge/call.h"
#include "edge/http_handler.h"
#include "google/protobuf/struct.pb.h"
#include "objects/objects.h"

namespace trainyard::api {

struct StorageServices {
  objects::ObjectStore& objects;
  edge::Policy& policy;
  edge::Audit& audit;
  const base::Clock& clock;
};

// One request. `audited` is false for what is no change by itself, such as one piece of an upload.
struct StorageExchange {
  const StorageServices& services;
  edge::HttpRequest& request;
  edge::HttpWriter& writer;
  StorageTarget target;
  bool audited = true;

  objects::ObjectStore& objects() const { return services.objects; }
  std::string host() const { return std::string(request.Header("host")); }
};

// Each sends its answer and returns OK, or returns what to answer. FAILED_PRECONDITION is 412.
using StorageCall = absl::Status (*)(StorageExchange&);

absl::Status ListBuckets(StorageExchange& exchange);
absl::Status CreateBucket(StorageExchange& exchange);
absl::Status GetBucket(StorageExchange& exchange);
absl::Status PatchBucket(StorageExchange& exchange);  // and update
absl::Status DeleteBucket(StorageExchange& exchange);
absl::Status GetBucketIam(StorageExchange& exchange);
absl::Status PutBucketIam(StorageExchange& exchange);
absl::Status TestBucketIam(StorageExchange& exchange);
absl::Status GetBucketLayout(StorageExchange& exchange);
absl::Status RefuseAcl(StorageExchange& exchange);

absl::Status ListObjects(StorageExchange& exchange);
absl::Status GetObject(StorageExchange& exchange);  // the resource, or with alt=media its bytes
absl::Status PatchObject(StorageExchange& exchange);
absl::Status UpdateObject(StorageExchange& exchange);
absl::Status DeleteObject(StorageExchange& exchange);
absl::Status ComposeObject(StorageExchange& exchange);
absl::Status RewriteObject(StorageExchange& exchange);
absl::Status MoveObject(StorageExchange& exchange);

absl::Status DownloadObject(StorageExchange& exchange);

absl::Status StartUpload(StorageExchange& exchange);     // POST: any kind of upload
absl::Status ContinueUpload(StorageExchange& exchange);  // PUT
absl::Status CancelUpload(StorageExchange& exchange);    // DELETE

// --- what they share ---

// PERMISSION_DENIED in the words of Cloud Storage.
absl::Status CheckBucketPermission(const StorageServices& services, const edge::Caller& caller,
                                   absl::string_view permission, const std::string& bucket);
absl::Status SendJson(StorageExchange& exchange, const std::string& json);
absl::Status SendEmpty(StorageExchange& exchange, int status, const edge::Headers& headers);
// The whole body as a JSON object. INVALID_ARGUMENT when it is larger than a megabyte.
absl::StatusOr<google::protobuf::Struct> ReadJson(StorageExchange& exchange);
// NOT_FOUND when the query names another generation than the object's.
absl::Status CheckGeneration(const StorageExchange& exchange, const objects::Object& object);

}  // namespace trainyard::api
