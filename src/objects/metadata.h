// What is known of buckets, objects and uploads beside their bytes: one SQLite file outside every
// bucket.
//
// A row of an object speaks of the file only while its fingerprint is the file's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "objects/beneath.h"
#include "objects/objects.h"
#include "objects/sqlite.h"

namespace trainyard::objects {

struct ObjectRow {
  Fingerprint fingerprint;
  int64_t generation = 0;
  int64_t metageneration = 1;
  std::optional<uint32_t> crc32c;
  std::string md5;
  ObjectAttributes attributes;  // without checksums
  int64_t created_us = 0;
  int64_t updated_us = 0;
};

struct UploadRow {
  std::string id, bucket, name;
  ObjectAttributes attributes;
  Preconditions preconditions;
};

// Each call is durable on return. Threads: any.
class Metadata {
 public:
  // FAILED_PRECONDITION when a newer version of this program wrote the file.
  static absl::StatusOr<std::unique_ptr<Metadata>> Open(const std::string& path);

  absl::Status PutBucket(const Bucket& bucket) EXCLUDES(mutex_);
  absl::StatusOr<std::optional<Bucket>> GetBucket(const std::string& name) EXCLUDES(mutex_);
  // Of every project when `project` is empty. Sorted by name.
  absl::StatusOr<std::vector<Bucket>> ListBuckets(const std::string& project) EXCLUDES(mutex_);
  // With its objects and uploads.
  absl::Status DeleteBucket(const std::string& name) EXCLUDES(mutex_);

  absl::Status PutObject(const std::string& bucket, const std::string& name, const ObjectRow& row)
      EXCLUDES(mutex_);
  absl::StatusOr<std::optional<ObjectRow>> GetObject(const std::string& bucket,
                                                     const std::string& name) EXCLUDES(mutex_);
  // Rows of names in [first, last].
  absl::StatusOr<std::map<std::string, ObjectRow>> ListObjects(const std::string& bucket,
                                                               const std::string& first,
                                                               const std::string& last)
      EXCLUDES(mutex_);
  absl::Status DeleteObject(const std::string& bucket, const std::string& name) EXCLUDES(mutex_);
  absl::StatusOr<int64_t> MaxGeneration() EXCLUDES(mutex_);

  absl::Status PutUpload(const UploadRow& row, int64_t created_us) EXCLUDES(mutex_);
  absl::StatusOr<std::optional<UploadRow>> GetUpload(const std::string& id) EXCLUDES(mutex_);
  absl::Status DeleteUpload(const std::string& id) EXCLUDES(mutex_);
  absl::StatusOr<std::vector<std::string>> ListUploads(int64_t created_before_us) EXCLUDES(mutex_);

 private:
  explicit Metadata(Database database) : database_(std::move(database)) {}
  absl::Status CreateTables() EXCLUDES(mutex_);

  base::Mutex mutex_;
  Database database_ GUARDED_BY(mutex_);
};

}  // namespace trainyard::objects
