#include "api/storage_service.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "api/storage_calls.h"
#include "api/storage_json.h"
#include "base/status.h"

namespace trainyard::api {
namespace {

constexpr size_t kJsonBytesMax = 1 << 20;

struct Row {
  StorageNoun noun;
  const char* method;
  const char* permission;
  bool changes;
  StorageCall call;
};

using N = StorageNoun;

constexpr Row kRows[] = {
    {N::kBuckets, "GET", "storage.buckets.list", false, ListBuckets},
    {N::kBuckets, "POST", "storage.buckets.create", true, CreateBucket},
    {N::kBucket, "GET", "storage.buckets.get", false, GetBucket},
    {N::kBucket, "PATCH", "storage.buckets.update", true, PatchBucket},
    {N::kBucket, "PUT", "storage.buckets.update", true, PatchBucket},
    {N::kBucket, "DELETE", "storage.buckets.delete", true, DeleteBucket},
    {N::kBucketIam, "GET", "storage.buckets.getIamPolicy", false, GetBucketIam},
    {N::kBucketIam, "PUT", "storage.buckets.setIamPolicy", true, PutBucketIam},
    {N::kBucketIamTest, "GET", "", false, TestBucketIam},
    {N::kBucketLayout, "GET", "storage.objects.list", false, GetBucketLayout},
    {N::kBucketAcl, "GET", "storage.buckets.get", false, RefuseAcl},
    {N::kBucketAcl, "POST", "storage.buckets.get", false, RefuseAcl},
    {N::kBucketAcl, "PUT", "storage.buckets.get", false, RefuseAcl},
    {N::kBucketAcl, "PATCH", "storage.buckets.get", false, RefuseAcl},
    {N::kBucketAcl, "DELETE", "storage.buckets.get", false, RefuseAcl},
    {N::kObjects, "GET", "storage.objects.list", false, ListObjects},
    {N::kObject, "GET", "storage.objects.get", false, GetObject},
    {N::kObject, "PATCH", "storage.objects.update", true, PatchObject},
    {N::kObject, "PUT", "storage.objects.update", true, UpdateObject},
    {N::kObject, "DELETE", "storage.objects.delete", true, DeleteObject},
    {N::kCompose, "POST", "storage.objects.create", true, ComposeObject},
    {N::kRewrite, "POST", "storage.objects.get", true, RewriteObject},
    {N::kMove, "POST", "storage.objects.get", true, MoveObject},
    {N::kUpload, "POST", "storage.objects.create", true, StartUpload},
    {N::kUpload, "PUT", "storage.objects.create", true, ContinueUpload},
    {N::kUpload, "DELETE", "storage.objects.create", true, CancelUpload},
    {N::kDownload, "GET", "storage.objects.get", false, DownloadObject},
};

const Row* FindRow(StorageNoun noun, absl::string_view method) {
  if (method == "HEAD") method = "GET";
  auto row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& item) {
    return item.noun == noun && method == item.method;
  });
  return row == std::end(kRows) ? nullptr : row;
}

struct ErrorKind {
  absl::StatusCode code;
  int http_status;
  const char* reason;
};

constexpr ErrorKind kErrors[] = {
    {absl::StatusCode::kInvalidArgument, 400, "invalid"},
    {absl::StatusCode::kOutOfRange, 400, "invalid"},
    {absl::StatusCode::kUnauthenticated, 401, "required"},
    {absl::StatusCode::kPermissionDenied, 403, "forbidden"},
    {absl::StatusCode::kNotFound, 404, "notFound"},
    {absl::StatusCode::kAlreadyExists, 409, "conflict"},
    {absl::StatusCode::kFailedPrecondition, 412, "conditionNotMet"},
    {absl::StatusCode::kCancelled, 499, "cancelled"},
    {absl::StatusCode::kUnimplemented, 501, "notImplemented"},
    {absl::StatusCode::kUnavailable, 503, "backendError"},
    // Not 429: clients would try again for minutes, and a full disk does not go away.
    {absl::StatusCode::kResourceExhausted, 507, "insufficientStorage"},
};

void SendError(edge::HttpWriter& writer, const absl::Status& status) {
  ErrorKind kind{status.code(), 500, "internalError"};
  for (const ErrorKind& item : kErrors) {
    if (item.code == status.code()) kind = item;
  }
  JsonObject item;
  item.Text("message", status.message()).Text("domain", "global").Text("reason", kind.reason);
  JsonObject error;
  error.Raw("code", absl::StrCat(kind.http_status))
      .Text("message", status.message())
      .List("errors", {item.Finish()});
  JsonObject body;
  std::string text = body.Raw("error", error.Finish()).Finish();
  edge::Headers headers = {{"content-type", "application/json; charset=UTF-8"}};
  if (writer.Start(kind.http_status, headers, static_cast<int64_t>(text.size())).ok()) {
    writer.Write(text).IgnoreError();
  }
}

absl::Status RefuseEncryptionKeys(const edge::HttpRequest& request) {
  for (const char* name :
       {"x-goog-encryption-algorithm", "x-goog-copy-source-encryption-algorithm"}) {
    if (request.Header(name).empty()) continue;
    return absl::UnimplementedError(
        "Customer-supplied encryption keys are not supported by this server.");
  }
  if (!request.Query("kmsKeyName").empty() || !request.Query("destinationKmsKeyName").empty()) {
    return absl::UnimplementedError("Cloud KMS keys are not supported by this server.");
  }
  return absl::OkStatus();
}

absl::Status DeniedText(const edge::Caller& caller, absl::string_view permission,
                        absl::string_view kind) {
  return absl::PermissionDeniedError(absl::StrCat(
      caller.account, " does not have ", permission, " access to the Google Cloud ", kind,
      ". Permission '", permission, "' denied on resource (or it may not exist)."));
}

absl::Status CheckRow(const StorageExchange& exchange, const Row& row) {
  const edge::Caller& caller = exchange.request.caller;
  if (*row.permission == '\0') return exchange.objects().GetBucket(exchange.target.bucket).status();
  if (row.noun == StorageNoun::kBuckets) {
    std::string project(exchange.request.Query("project"));
    if (project.empty()) return absl::InvalidArgumentError("Required parameter: project");
    absl::Status checked =
        exchange.services.policy.Check(caller, row.permission, absl::StrCat("projects/", project));
    return checked.ok() ? checked : DeniedText(caller, row.permission, "project");
  }
  return CheckBucketPermission(exchange.services, caller, row.permission, exchange.target.bucket);
}

void Audit(const StorageExchange& exchange, const Row& row, const absl::Status& status) {
  edge::AuditRecord record;
  record.call.caller = exchange.request.caller;
  record.call.method = row.permission;
  record.call.peer = exchange.request.peer;
  record.call.rest = true;
  record.call.version = "v1";
  record.permission = row.permission;
  const StorageTarget& target = exchange.target;
  record.resource = absl::StrCat("projects/_/buckets/", target.bucket);
  if (!target.object.empty()) absl::StrAppend(&record.resource, "/objects/", target.object);
  record.status = status;
  record.time = exchange.services.clock.Now();
  exchange.services.audit.Record(record);
}

void Serve(const StorageServices& services, edge::HttpRequest& request, edge::HttpWriter& writer) {
  StorageExchange exchange{services, request, writer, {}};
  absl::StatusOr<StorageTarget> target = ParseStorageTarget(request.path);
  if (!target.ok()) return SendError(writer, target.status());
  exchange.target = *std::move(target);
  const Row* row = FindRow(exchange.target.noun, request.method);
  if (row == nullptr) {
    return SendError(writer, absl::UnimplementedError(absl::StrCat(
                                 request.method, " is not supported on ", request.path, ".")));
  }
  absl::Status status = RefuseEncryptionKeys(request);
  if (status.ok()) status = CheckRow(exchange, *row);
  if (status.ok()) status = row->call(exchange);
  if (row->changes && exchange.audited) Audit(exchange, *row, status);
  if (!status.ok()) SendError(writer, status);
}

void ServeBatch(edge::HttpRequest&, edge::HttpWriter& writer) {
  SendError(writer,
            absl::UnimplementedError("Batches are not served: send each request by itself."));
}

}  // namespace

absl::Status CheckBucketPermission(const StorageServices& services, const edge::Caller& caller,
                                   absl::string_view permission, const std::string& bucket) {
  ASSIGN_OR_RETURN(objects::Bucket found, services.objects.GetBucket(bucket));
  std::string resource = absl::StrCat("projects/", found.project, "/buckets/", bucket);
  absl::Status checked = services.policy.Check(caller, permission, resource);
  if (checked.ok()) return checked;
  bool of_object = permission.find(".objects.") != absl::string_view::npos;
  return DeniedText(caller, permission, of_object ? "Storage object" : "Storage bucket");
}

absl::Status SendJson(StorageExchange& exchange, const std::string& json) {
  edge::Headers headers = {{"content-type", "application/json; charset=UTF-8"},
                           {"cache-control", "no-cache, no-store, max-age=0, must-revalidate"}};
  // A client that is gone needs no other answer.
  if (exchange.writer.Start(200, headers, static_cast<int64_t>(json.size())).ok()) {
    exchange.writer.Write(json).IgnoreError();
  }
  return absl::OkStatus();
}

absl::Status SendEmpty(StorageExchange& exchange, int status, const edge::Headers& headers) {
  exchange.writer.Start(status, headers, 0).IgnoreError();
  return absl::OkStatus();
}

absl::StatusOr<google::protobuf::Struct> ReadJson(StorageExchange& exchange) {
  std::string text;
  while (true) {
    ASSIGN_OR_RETURN(std::string bytes, exchange.request.body->Read(64 << 10));
    if (bytes.empty()) return ParseJsonObject(text);
    text += bytes;
    if (text.size() > kJsonBytesMax) {
      return absl::InvalidArgumentError("The body is larger than one megabyte.");
    }
  }
}

absl::Status CheckGeneration(const StorageExchange& exchange, const objects::Object& object) {
  ASSIGN_OR_RETURN(int64_t generation, ParseNumber(exchange.request, "generation", -1));
  if (generation < 0 || generation == object.generation) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat("No such object: ", object.bucket, "/", object.name, "#", generation));
}

std::vector<edge::HttpRoute> StorageRoutes(objects::ObjectStore& objects, edge::Policy& policy,
                                           edge::Audit& audit, const base::Clock& clock) {
  auto services = std::make_shared<StorageServices>(StorageServices{objects, policy, audit, clock});
  auto serve = [services](edge::HttpRequest& request, edge::HttpWriter& writer) {
    Serve(*services, request, writer);
  };
  return {{"/storage/v1/", false, serve},
          {"/upload/storage/v1/", false, serve},
          {"/resumable/upload/storage/v1/", false, serve},
          {"/download/storage/v1/", false, serve},
          {"/batch/storage/v1", false, ServeBatch}};
}

}  // namespace trainyard::api
