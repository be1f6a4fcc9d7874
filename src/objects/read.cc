#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/crc32c.h"
#include "base/status.h"
#include "objects/file_store.h"
#include "objects/object_name.h"

namespace trainyard::objects {
namespace {

constexpr size_t kReadBytes = 1 << 20;
// A larger file of a job is not read only to say its checksum: it has none.
constexpr uint64_t kChecksumBytesMax = uint64_t{4} << 30;
// Two changes within the clock's step look like one: a checksum of what changed just now is not
// kept.
constexpr absl::Duration kSettled = absl::Seconds(1);

absl::StatusOr<std::string> ReadAt(int file, uint64_t offset, size_t length) {
  std::string bytes(length, '\0');
  size_t done = 0;
  while (done < length) {
    ssize_t count =
        pread(file, bytes.data() + done, length - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::ErrnoStatus(errno, "read an object");
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

class FileReader : public ObjectReader {
 public:
  FileReader(Object object, base::Descriptor file)
      : object_(std::move(object)), file_(std::move(file)) {}
  const Object& object() const override { return object_; }
  absl::StatusOr<std::string> Read(uint64_t offset, size_t length) override {
    if (!file_.valid() || offset >= object_.size_bytes) return std::string();
    uint64_t left = object_.size_bytes - offset;
    return ReadAt(file_.get(), offset, static_cast<size_t>(std::min<uint64_t>(length, left)));
  }

 private:
  const Object object_;
  const base::Descriptor file_;  // none for a placeholder
};

}  // namespace

absl::StatusOr<bool> FileStore::IsObject(int bucket, const std::string& bucket_name,
                                         const std::string& name, Fingerprint& fingerprint) {
  absl::Status status;
  if (IsPlaceholder(name)) {
    absl::StatusOr<Found> found = Find(bucket, bucket_name, name);
    status = found.status();
    if (found.ok()) fingerprint = found->fingerprint;
  } else {
    absl::StatusOr<Fingerprint> found = StatObjectBeneath(bucket, name);
    status = found.status();
    if (found.ok()) fingerprint = *found;
  }
  if (absl::IsNotFound(status)) return false;
  RETURN_IF_ERROR(status);
  return true;
}

absl::StatusOr<FileStore::Found> FileStore::Find(int bucket, const std::string& bucket_name,
                                                 const std::string& name) {
  RETURN_IF_ERROR(CheckObjectName(name));
  Found found;
  if (IsPlaceholder(name)) {
    absl::StatusOr<uint64_t> inode = StatDirectoryBeneath(bucket, name.substr(0, name.size() - 1));
    if (absl::IsNotFound(inode.status())) return NoSuchObject(bucket_name, name);
    RETURN_IF_ERROR(inode.status());
    found.fingerprint.inode = *inode;  // its times change with what lies in it
    ASSIGN_OR_RETURN(found.row, metadata_->GetObject(bucket_name, name));
    if (!found.row_is_fresh()) return NoSuchObject(bucket_name, name);
  } else {
    absl::StatusOr<Fingerprint> fingerprint = StatObjectBeneath(bucket, name);
    if (absl::IsNotFound(fingerprint.status())) return NoSuchObject(bucket_name, name);
    RETURN_IF_ERROR(fingerprint.status());
    found.fingerprint = *fingerprint;
    ASSIGN_OR_RETURN(found.row, metadata_->GetObject(bucket_name, name));
  }
  found.object = DescribeObject(bucket_name, name, found.fingerprint, found.row);
  return found;
}

absl::Status FileStore::FillChecksum(int bucket, Found& found) {
  Object& object = found.object;
  if (object.has_crc32c || object.size_bytes > kChecksumBytesMax) return absl::OkStatus();
  Fingerprint before, after;
  ASSIGN_OR_RETURN(base::Descriptor file, OpenObjectBeneath(bucket, object.name, before));
  uint32_t crc32c = 0;
  for (uint64_t offset = 0;;) {
    ASSIGN_OR_RETURN(std::string bytes, ReadAt(file.get(), offset, kReadBytes));
    if (bytes.empty()) break;
    crc32c = base::ExtendCrc32c(crc32c, bytes);
    offset += bytes.size();
  }
  ASSIGN_OR_RETURN(after, FingerprintOf(file.get()));
  // A job writes to it right now: no checksum would be true for long.
  if (before != found.fingerprint || after != before) return absl::OkStatus();
  object.has_crc32c = true;
  object.crc32c = crc32c;
  if (absl::FromUnixNanos(before.changed_ns) > clock_.Now() - kSettled) return absl::OkStatus();
  ObjectRow row;
  row.fingerprint = before;
  row.generation = object.generation;
  row.metageneration = object.metageneration;
  row.crc32c = crc32c;
  row.attributes = {object.content_type, object.headers, object.metadata, {}};
  row.created_us = absl::ToUnixMicros(object.created);
  row.updated_us = absl::ToUnixMicros(object.updated);
  base::MutexLock lock(commit_mutex_);
  // Unless a write came in between.
  absl::StatusOr<Found> now = Find(bucket, object.bucket, object.name);
  bool same = now.ok() && now->fingerprint == before && now->object.generation == row.generation &&
              now->object.metageneration == row.metageneration;
  return same ? metadata_->PutObject(object.bucket, object.name, row) : absl::OkStatus();
}

absl::StatusOr<Object> FileStore::GetObject(const std::string& bucket, const std::string& name) {
  ASSIGN_OR_RETURN(base::Descriptor directory, OpenBucket(bucket));
  ASSIGN_OR_RETURN(Found found, Find(directory.get(), bucket, name));
  absl::Status filled = FillChecksum(directory.get(), found);
  if (absl::IsNotFound(filled)) return NoSuchObject(bucket, name);
  RETURN_IF_ERROR(filled);
  return std::move(found.object);
}

absl::StatusOr<std::unique_ptr<ObjectReader>> FileStore::OpenObject(const std::string& bucket,
                                                                    const std::string& name) {
  ASSIGN_OR_RETURN(base::Descriptor directory, OpenBucket(bucket));
  ASSIGN_OR_RETURN(Found found, Find(directory.get(), bucket, name));
  if (IsPlaceholder(name)) {
    return std::make_unique<FileReader>(std::move(found.object), base::Descriptor());
  }
  absl::Status filled = FillChecksum(directory.get(), found);
  if (!filled.ok() && !absl::IsNotFound(filled)) return filled;
  Fingerprint fingerprint;
  absl::StatusOr<base::Descriptor> file = OpenObjectBeneath(directory.get(), name, fingerprint);
  if (absl::IsNotFound(file.status())) return NoSuchObject(bucket, name);
  RETURN_IF_ERROR(file.status());
  if (fingerprint != found.fingerprint) {  // it changed since: the open file is what counts
    ASSIGN_OR_RETURN(std::optional<ObjectRow> row, metadata_->GetObject(bucket, name));
    found.object = DescribeObject(bucket, name, fingerprint, row);
  }
  return std::make_unique<FileReader>(std::move(found.object), *std::move(file));
}

}  // namespace trainyard::objects
