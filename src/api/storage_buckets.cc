#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "api/storage_calls.h"
#include "api/storage_json.h"
#include "base/status.h"

namespace trainyard::api {
namespace {

constexpr char kDefaultLocation[] = "us-central1";
constexpr int64_t kPageMax = 1000;

absl::Status SendBucket(StorageExchange& exchange, const objects::Bucket& bucket) {
  return SendJson(exchange, BucketJson(bucket, exchange.host()));
}

absl::Status CheckMetageneration(const StorageExchange& exchange, const objects::Bucket& bucket) {
  ASSIGN_OR_RETURN(int64_t match, ParseNumber(exchange.request, "ifMetagenerationMatch", -1));
  ASSIGN_OR_RETURN(int64_t not_match,
                   ParseNumber(exchange.request, "ifMetagenerationNotMatch", -1));
  bool holds = (match < 0 || match == bucket.metageneration) && not_match != bucket.metageneration;
  if (holds) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "At least one of the pre-conditions you specified did not hold.");
}

std::string PolicyEtag(const objects::Bucket& bucket) {
  return absl::Base64Escape(absl::StrCat(bucket.metageneration));
}

// The policy as it was put, or what access is by itself.
google::protobuf::Struct PolicyOf(const objects::Bucket& bucket) {
  std::string text = bucket.iam_policy;
  if (text.empty()) {
    text = absl::StrCat(R"({"bindings":[{"role":"roles/storage.legacyBucketOwner","members":[)",
                        QuoteJson(absl::StrCat("projectOwner:", bucket.project)), "]}]}");
  }
  google::protobuf::Struct policy = ParseJsonObject(text).value_or(google::protobuf::Struct());
  auto set = [&](const char* key, const std::string& value) {
    (*policy.mutable_fields())[key].set_string_value(value);
  };
  set("kind", "storage#policy");
  set("resourceId", absl::StrCat("projects/_/buckets/", bucket.name));
  set("etag", PolicyEtag(bucket));
  if (policy.fields().count("version") == 0) {
    (*policy.mutable_fields())["version"].set_number_value(1);
  }
  return policy;
}

}  // namespace

absl::Status ListBuckets(StorageExchange& exchange) {
  const edge::HttpRequest& request = exchange.request;
  ASSIGN_OR_RETURN(std::vector<objects::Bucket> buckets,
                   exchange.objects().ListBuckets(std::string(request.Query("project"))));
  ASSIGN_OR_RETURN(int64_t page_size, ParseNumber(request, "maxResults", kPageMax));
  page_size = std::clamp<int64_t>(page_size, 1, kPageMax);
  // The token is the last name that was given.
  std::string after;
  if (!absl::WebSafeBase64Unescape(request.Query("pageToken"), &after)) {
    return absl::InvalidArgumentError("Invalid page token.");
  }
  std::vector<std::string> items;
  std::string last, token;
  for (const objects::Bucket& bucket : buckets) {
    if (bucket.name <= after || !absl::StartsWith(bucket.name, request.Query("prefix"))) continue;
    if (items.size() == static_cast<size_t>(page_size)) {
      token = absl::WebSafeBase64Escape(last);
      break;
    }
    items.push_back(BucketJson(bucket, exchange.host()));
    last = bucket.name;
  }
  JsonObject json;
  json.Text("kind", "storage#buckets");
  if (!token.empty()) json.Text("nextPageToken", token);
  return SendJson(exchange, json.List("items", items).Finish());
}

absl::Status CreateBucket(StorageExchange& exchange) {
  ASSIGN_OR_RETURN(google::protobuf::Struct body, ReadJson(exchange));
  ASSIGN_OR_RETURN(std::string name, TextMember(body, "name"));
  ASSIGN_OR_RETURN(std::string location, TextMember(body, "location"));
  exchange.target.bucket = name;
  if (name.empty()) return absl::InvalidArgumentError("Required parameter: name");
  objects::Bucket wanted;
  RETURN_IF_ERROR(ApplyBucketJson(body, wanted));
  ASSIGN_OR_RETURN(objects::Bucket bucket,
                   exchange.objects().CreateBucket(
                       std::string(exchange.request.Query("project")), name,
                       location.empty() ? kDefaultLocation : absl::AsciiStrToLower(location)));
  if (wanted.labels != bucket.labels || wanted.storage_class != bucket.storage_class) {
    bucket.labels = wanted.labels;
    bucket.storage_class = wanted.storage_class;
    ASSIGN_OR_RETURN(bucket, exchange.objects().UpdateBucket(bucket));
  }
  return SendBucket(exchange, bucket);
}

absl::Status GetBucket(StorageExchange& exchange) {
  ASSIGN_OR_RETURN(objects::Bucket bucket, exchange.objects().GetBucket(exchange.target.bucket));
  RETURN_IF_ERROR(CheckMetageneration(exchange, bucket));
  return SendBucket(exchange, bucket);
}

absl::Status PatchBucket(StorageExchange& exchange) {
  ASSIGN_OR_RETURN(google::protobuf::Struct body, ReadJson(exchange));
  ASSIGN_OR_RETURN(objects::Bucket bucket, exchange.objects().GetBucket(exchange.target.bucket));
  RETURN_IF_ERROR(CheckMetageneration(exchange, bucket));
  if (exchange.request.method == "PUT") bucket.labels.clear();
  RETURN_IF_ERROR(ApplyBucketJson(body, bucket));
  ASSIGN_OR_RETURN(bucket, exchange.objects().UpdateBucket(bucket));
  return SendBucket(exchange, bucket);
}

absl::Status DeleteBucket(StorageExchange& exchange) {
  ASSIGN_OR_RETURN(objects::Bucket bucket, exchange.objects().GetBucket(exchange.target.bucket));
  RETURN_IF_ERROR(CheckMetageneration(exchange, bucket));
  absl::Status deleted = exchange.objects().DeleteBucket(bucket.name);
  if (absl::IsFailedPrecondition(deleted)) return absl::AlreadyExistsError(deleted.message());
  RETURN_IF_ERROR(deleted);
  return SendEmpty(exchange, 204, {});
}

absl::Status GetBucketIam(StorageExchange& exchange) {
  ASSIGN_OR_RETURN(objects::Bucket bucket, exchange.objects().GetBucket(exchange.target.bucket));
  return SendJson(exchange, StructJson(PolicyOf(bucket)));
}

absl::Status PutBucketIam(StorageExchange& exchange) {
  ASSIGN_OR_RETURN(google::protobuf::Struct body, ReadJson(exchange));
  ASSIGN_OR_RETURN(std::string etag, TextMember(body, "etag"));
  ASSIGN_OR_RETURN(objects::Bucket bucket, exchange.objects().GetBucket(exchange.target.bucket));
  if (!etag.empty() && etag != PolicyEtag(bucket)) {
    return absl::FailedPreconditionError("The policy was changed since it was read (etag).");
  }
  bucket.iam_policy = StructJson(body);
  ASSIGN_OR_RETURN(bucket, exchange.objects().UpdateBucket(bucket));
  return SendJson(exchange, StructJson(PolicyOf(bucket)));
}

absl::Status TestBucketIam(StorageExchange& exchange) {
  std::vector<std::string> granted;
  for (const auto& [name, permission] : exchange.request.query) {
    if (name != "permissions") continue;
    absl::Status checked = CheckBucketPermission(exchange.services, exchange.request.caller,
                                                 permission, exchange.target.bucket);
    if (checked.ok()) granted.push_back(QuoteJson(permission));
  }
  JsonObject json;
  json.Text("kind", "storage#testIamPermissionsResponse").List("permissions", granted);
  return SendJson(exchange, json.Finish());
}

absl::Status GetBucketLayout(StorageExchange& exchange) {
  ASSIGN_OR_RETURN(objects::Bucket bucket, exchange.objects().GetBucket(exchange.target.bucket));
  JsonObject json;
  json.Text("kind", "storage#storageLayout")
      .Text("bucket", bucket.name)
      .Text("location", absl::AsciiStrToUpper(bucket.location))
      .Text("locationType", "region")
      .Text("storageClass", bucket.storage_class)
      .Raw("hierarchicalNamespace", R"({"enabled":false})");
  return SendJson(exchange, json.Finish());
}

absl::Status RefuseAcl(StorageExchange&) {
  return absl::InvalidArgumentError(
      "Cannot use ACL API when uniform bucket-level access is enabled; it always is here.");
}

}  // namespace trainyard::api
