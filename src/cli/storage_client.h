// The object store over its JSON API, with libcurl.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/connection.h"

namespace trainyard::cli {

// "gs://bucket/name"; the name may be empty. INVALID_ARGUMENT otherwise.
struct ObjectUri {
  std::string bucket, name;
};
absl::StatusOr<ObjectUri> ParseObjectUri(const std::string& uri);

struct ListedObject {
  std::string name;  // a prefix when `is_prefix`
  uint64_t size_bytes = 0;
  std::string updated;
  bool is_prefix = false;
};

// Threads: one.
class StorageClient {
 public:
  // `api` signs; both outlive it.
  StorageClient(const Target& target, ApiClient& api);
  ~StorageClient();
  StorageClient(const StorageClient&) = delete;
  StorageClient& operator=(const StorageClient&) = delete;

  absl::Status CreateBucket(const std::string& bucket);  // ALREADY_EXISTS
  absl::StatusOr<std::vector<std::string>> ListBuckets();
  absl::StatusOr<std::vector<ListedObject>> List(const ObjectUri& uri, bool recursive);
  absl::Status Upload(const std::string& path, const ObjectUri& uri);
  absl::Status UploadBytes(const std::string& bytes, const ObjectUri& uri);
  absl::Status Download(const ObjectUri& uri,
                        const std::function<bool(const char*, size_t)>& write);
  absl::Status Delete(const ObjectUri& uri);
  absl::Status DeleteBucket(const std::string& bucket);

 private:
  struct Response;
  struct Request;
  absl::StatusOr<std::string> Send(const Request& request);

  const Target& target_;
  ApiClient& api_;
  void* curl_;
};

}  // namespace trainyard::cli
