// The object store: buckets are directories, objects are plain files below them, which jobs see at
// /gcs/<bucket>.
//
// Nothing that a job leaves in a bucket may harm the server: every open is openat2(RESOLVE_BENEATH
// | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV), O_NONBLOCK, and only regular
// files with one link, not set-uid, are objects. Metadata lies outside the bucket, keyed by (inode,
// size, mtime, ctime).
//
// Names. An object's name is its path, byte for byte, so a name that is no path is refused with
// INVALID_ARGUMENT and a sentence: an empty part (`a//b`, a leading slash), a part `.` or `..`, a
// part over 255 bytes, a carriage return, line feed or NUL, more than 1024 bytes, no UTF-8; and a
// name below an object (`a/b` beside `a`), where Cloud Storage would keep both. A name that ends in
// a slash is the placeholder of a directory and has no bytes. What a job writes under a name that
// is refused here, and what is no regular file with one link, is no object: it is not listed and
// not found.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/random.h"

namespace trainyard::objects {

struct Bucket {
  std::string name;
  std::string project;
  std::string location;
  absl::Time created, updated;
  int64_t metageneration = 1;
  std::string storage_class = "STANDARD";
  std::map<std::string, std::string> labels;
  std::string iam_policy;  // JSON as it was put; empty: none was
};

struct Object {
  std::string bucket;
  std::string name;
  uint64_t size_bytes = 0;
  // Grows with each overwrite: microseconds of the API's write, or of a job's last change.
  int64_t generation = 0;
  int64_t metageneration = 1;
  bool has_crc32c = false;  // a job's file has one once the object was asked for
  uint32_t crc32c = 0;
  std::string md5;  // 16 raw bytes; empty: unknown, as for composed objects
  std::string content_type;
  std::map<std::string, std::string> headers;   // "cacheControl", "contentEncoding", ...
  std::map<std::string, std::string> metadata;  // the user's
  absl::Time created, updated;
};

// What must hold for a call to act; negative: not asked. FAILED_PRECONDITION otherwise.
struct Preconditions {
  int64_t if_generation_match = -1;  // 0: must not exist
  int64_t if_generation_not_match = -1;
  int64_t if_metageneration_match = -1;
  int64_t if_metageneration_not_match = -1;
};

// To be checked against the bytes; empty: not given.
struct Checksums {
  std::string crc32c_base64;  // of the big-endian bytes
  std::string md5_base64;
};

std::string EncodeCrc32c(uint32_t crc32c);

struct ObjectAttributes {
  std::string content_type;  // empty: "application/octet-stream"
  std::map<std::string, std::string> headers;
  std::map<std::string, std::string> metadata;
  Checksums checksums;
};

struct ListOptions {
  std::string prefix;
  std::string delimiter;
  std::string start_offset;  // names from here on; empty: all
  std::string end_offset;    // names before; empty: all
  bool include_trailing_delimiter = false;
  int page_size = 1000;  // objects and prefixes together; clamped to [1, 1000]
  std::string page_token;
};

struct ObjectPage {
  std::vector<Object> objects;
  std::vector<std::string> prefixes;
  std::string next_page_token;
};

// Bytes of an object being read: the file as it was when opened.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  virtual const Object& object() const = 0;
  // Up to `length` bytes from `offset`; empty at the end.
  virtual absl::StatusOr<std::string> Read(uint64_t offset, size_t length) = 0;
};

// Bytes of an object being written: invisible until Commit (rename). Destroyed without Commit: no
// trace.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual absl::Status Append(absl::string_view bytes) = 0;
  virtual uint64_t size_bytes() const = 0;
  // Checks the checksums given (INVALID_ARGUMENT), the preconditions, and makes it the object,
  // durably.
  virtual absl::StatusOr<Object> Commit() = 0;
};

// A resumable upload: survives a restart of the server. Forgotten a week after its start.
struct Upload {
  std::string id;  // unguessable
  std::string bucket, name;
  uint64_t received_bytes = 0;
  std::optional<Object> object;  // once it was finished, for a client that missed the answer
};

struct StoreOptions {
  std::string data_root;      // buckets: DATA_ROOT/<bucket>/; mode 0700
  std::string metadata_root;  // metadata, uploads in progress
  uid_t owner_uid =
      0;  // files belong to this unprivileged account; 0: whoever runs the server (tests)
  gid_t owner_gid = 0;
};

// Threads: any. NOT_FOUND, ALREADY_EXISTS, INVALID_ARGUMENT (name), FAILED_PRECONDITION (bucket not
// empty, generation).
class ObjectStore {
 public:
  static absl::StatusOr<std::unique_ptr<ObjectStore>> Open(const StoreOptions& options,
                                                           const base::Clock& clock,
                                                           base::Random& random);
  virtual ~ObjectStore() = default;

  virtual absl::StatusOr<Bucket> CreateBucket(const std::string& project, const std::string& name,
                                              const std::string& location) = 0;
  virtual absl::StatusOr<Bucket> GetBucket(const std::string& name) = 0;
  // Of one project; sorted by name.
  virtual absl::StatusOr<std::vector<Bucket>> ListBuckets(const std::string& project) = 0;
  // Storage class, labels and policy; the metageneration grows.
  virtual absl::StatusOr<Bucket> UpdateBucket(const Bucket& bucket) = 0;
  virtual absl::Status DeleteBucket(const std::string& name) = 0;
  // The directory to bind at /gcs/<bucket>. Any uid may write in it, and what it makes there any
  // other uid may change (default ACL): only those get to it who have it mounted, for the data root
  // lets nobody through.
  virtual absl::StatusOr<std::string> BucketDirectory(const std::string& name) = 0;

  virtual absl::StatusOr<Object> GetObject(const std::string& bucket, const std::string& name) = 0;
  virtual absl::StatusOr<std::unique_ptr<ObjectReader>> OpenObject(const std::string& bucket,
                                                                   const std::string& name) = 0;
  // In byte order of names. Checksums that are not known yet are left out. Reads only directories
  // that the page needs.
  virtual absl::StatusOr<ObjectPage> ListObjects(const std::string& bucket,
                                                 const ListOptions& options) = 0;
  virtual absl::Status DeleteObject(const std::string& bucket, const std::string& name,
                                    const Preconditions& preconditions) = 0;
  // Replaces the attributes (checksums are ignored); the metageneration grows.
  virtual absl::StatusOr<Object> UpdateObject(const std::string& bucket, const std::string& name,
                                              const ObjectAttributes& attributes,
                                              const Preconditions& preconditions) = 0;
  virtual absl::StatusOr<std::unique_ptr<ObjectWriter>> CreateObject(
      const std::string& bucket, const std::string& name, const ObjectAttributes& attributes,
      const Preconditions& preconditions) = 0;

  virtual absl::StatusOr<Upload> StartUpload(const std::string& bucket, const std::string& name,
                                             const ObjectAttributes& attributes,
                                             const Preconditions& preconditions) = 0;
  virtual absl::StatusOr<Upload> GetUpload(const std::string& id) = 0;
  // OUT_OF_RANGE when `offset` is not what was received so far. What was acknowledged survives the
  // death of the server; after a loss of power ask GetUpload where to go on.
  virtual absl::StatusOr<Upload> AppendUpload(const std::string& id, uint64_t offset,
                                              absl::string_view bytes) = 0;
  // `checksums` came with the last bytes: checked beside those of StartUpload.
  virtual absl::StatusOr<Object> FinishUpload(const std::string& id,
                                              const Checksums& checksums = {}) = 0;
  virtual absl::Status CancelUpload(const std::string& id) = 0;
};

}  // namespace trainyard::objects
