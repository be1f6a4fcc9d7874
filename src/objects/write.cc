#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "objects/file_store.h"
#include "objects/object_name.h"

namespace trainyard::objects {
namespace {

class FileWriter : public ObjectWriter {
 public:
  FileWriter(FileStore& store, std::string bucket, std::string name, ObjectAttributes attributes,
             Preconditions preconditions, StagedFile staged)
      : store_(store),
        bucket_(std::move(bucket)),
        name_(std::move(name)),
        attributes_(std::move(attributes)),
        preconditions_(preconditions),
        staged_(std::move(staged)) {}
  ~FileWriter() override {
    if (!committed_) unlinkat(store_.staging(), staged_.name().c_str(), 0);
  }

  absl::Status Append(absl::string_view bytes) override { return staged_.Append(bytes); }
  uint64_t size_bytes() const override { return staged_.size_bytes(); }
  absl::StatusOr<Object> Commit() override {
    RETURN_IF_ERROR(staged_.Seal(store_.ownership()));
    RETURN_IF_ERROR(CheckChecksums(attributes_.checksums, staged_.crc32c(), staged_.md5()));
    absl::StatusOr<Object> object =
        store_.Commit(bucket_, name_, attributes_, preconditions_, staged_);
    committed_ = object.ok();
    return object;
  }

 private:
  FileStore& store_;
  const std::string bucket_, name_;
  const ObjectAttributes attributes_;
  const Preconditions preconditions_;
  StagedFile staged_;
  bool committed_ = false;
};

absl::Status DirectoryInTheWay(const std::string& name) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", name,
                   "' is a directory here (objects are files): there are objects whose "
                   "names start with '",
                   name, "/'."));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ObjectWriter>> FileStore::CreateObject(
    const std::string& bucket, const std::string& name, const ObjectAttributes& attributes,
    const Preconditions& preconditions) {
  RETURN_IF_ERROR(CheckObjectName(name));
  RETURN_IF_ERROR(GetBucket(bucket).status());
  ASSIGN_OR_RETURN(
      StagedFile staged,
      StagedFile::Open(staging_.get(), absl::StrCat(kWriterPrefix, base::NewHex(random_, 32))));
  return std::make_unique<FileWriter>(*this, bucket, name, attributes, preconditions,
                                      std::move(staged));
}

absl::StatusOr<Object> FileStore::Commit(const std::string& bucket, const std::string& name,
                                         const ObjectAttributes& attributes,
                                         const Preconditions& preconditions,
                                         const StagedFile& staged) {
  base::MutexLock lock(commit_mutex_);
  ASSIGN_OR_RETURN(base::Descriptor directory, OpenBucket(bucket));
  absl::StatusOr<Found> current = Find(directory.get(), bucket, name);
  if (!current.ok() && !absl::IsNotFound(current.status())) return current.status();
  RETURN_IF_ERROR(CheckPreconditions(current.ok() ? &current->object : nullptr, preconditions));
  Object object;
  object.bucket = bucket;
  object.name = name;
  ObjectRow row;
  ASSIGN_OR_RETURN(std::optional<ObjectRow> old_row, metadata_->GetObject(bucket, name));
  int64_t previous = old_row.has_value() ? old_row->generation : 0;
  if (current.ok()) previous = std::max(previous, current->object.generation);
  row.generation = NextGeneration(previous);
  row.crc32c = staged.crc32c();
  row.md5 = staged.md5();
  row.attributes = attributes;
  row.created_us = absl::ToUnixMicros(clock_.Now());
  row.updated_us = row.created_us;
  if (!IsPlaceholder(name)) return CommitFile(directory.get(), object, std::move(row), staged);
  if (staged.size_bytes() > 0) {
    return absl::InvalidArgumentError(absl::StrCat("Invalid object name: '", name,
                                                   "' ends in a slash, which stands for a "
                                                   "directory here and cannot have bytes."));
  }
  absl::StatusOr<Object> made = CommitPlaceholder(directory.get(), object, std::move(row));
  if (made.ok()) unlinkat(staging_.get(), staged.name().c_str(), 0);
  return made;
}

absl::StatusOr<Object> FileStore::CommitPlaceholder(int bucket, const Object& object,
                                                    ObjectRow row) {
  std::string path = object.name.substr(0, object.name.size() - 1);
  RETURN_IF_ERROR(MakeDirectoriesBeneath(bucket, path, ownership()).status());
  ASSIGN_OR_RETURN(row.fingerprint.inode, StatDirectoryBeneath(bucket, path));
  RETURN_IF_ERROR(metadata_->PutObject(object.bucket, object.name, row));
  return DescribeObject(object.bucket, object.name, row.fingerprint, row);
}

absl::StatusOr<Object> FileStore::CommitFile(int bucket, const Object& object, ObjectRow row,
                                             const StagedFile& staged) {
  auto [path, leaf] = SplitPath(object.name);
  ASSIGN_OR_RETURN(base::Descriptor parent, MakeDirectoriesBeneath(bucket, path, ownership()));
  const char* from = staged.name().c_str();
  int renamed = renameat(staging_.get(), from, parent.get(), leaf.c_str());
  if (renamed != 0 && errno == EISDIR) {
    // Empty directories are no objects: they give way.
    if (!RemoveEmptyTree(parent.get(), leaf)) return DirectoryInTheWay(object.name);
    renamed = renameat(staging_.get(), from, parent.get(), leaf.c_str());
  }
  if (renamed != 0) {
    return base::ErrnoStatus(errno, absl::StrCat("write object ", object.name));
  }
  if (fsync(parent.get()) != 0) return base::ErrnoStatus(errno, "fsync a directory of a bucket");
  ASSIGN_OR_RETURN(row.fingerprint, FingerprintOf(staged.file()));
  RETURN_IF_ERROR(metadata_->PutObject(object.bucket, object.name, row));
  return DescribeObject(object.bucket, object.name, row.fingerprint, row);
}

absl::StatusOr<Object> FileStore::UpdateObject(const std::string& bucket, const std::string& name,
                                               const ObjectAttributes& attributes,
                                               const Preconditions& preconditions) {
  RETURN_IF_ERROR(GetObject(bucket, name).status());  // so that its checksum is known
  ASSIGN_OR_RETURN(base::Descriptor directory, OpenBucket(bucket));
  base::MutexLock lock(commit_mutex_);
  ASSIGN_OR_RETURN(Found found, Find(directory.get(), bucket, name));
  RETURN_IF_ERROR(CheckPreconditions(&found.object, preconditions));
  ObjectRow row = found.row_is_fresh() ? *found.row : ObjectRow();
  row.fingerprint = found.fingerprint;
  row.generation = found.object.generation;
  row.metageneration = found.object.metageneration + 1;
  row.attributes = attributes;
  row.created_us = absl::ToUnixMicros(found.object.created);
  row.updated_us = absl::ToUnixMicros(clock_.Now());
  RETURN_IF_ERROR(metadata_->PutObject(bucket, name, row));
  return DescribeObject(bucket, name, row.fingerprint, row);
}

absl::Status FileStore::DeleteObject(const std::string& bucket, const std::string& name,
                                     const Preconditions& preconditions) {
  ASSIGN_OR_RETURN(base::Descriptor directory, OpenBucket(bucket));
  base::MutexLock lock(commit_mutex_);
  ASSIGN_OR_RETURN(Found found, Find(directory.get(), bucket, name));
  RETURN_IF_ERROR(CheckPreconditions(&found.object, preconditions));
  if (IsPlaceholder(name)) {
    auto [path, leaf] = SplitPath(name.substr(0, name.size() - 1));
    ASSIGN_OR_RETURN(base::Descriptor parent, OpenDirectoryBeneath(directory.get(), path));
    RETURN_IF_ERROR(metadata_->DeleteObject(bucket, name));
    unlinkat(parent.get(), leaf.c_str(), AT_REMOVEDIR);  // it stays while something lies in it
    return absl::OkStatus();
  }
  auto [path, leaf] = SplitPath(name);
  ASSIGN_OR_RETURN(base::Descriptor parent, OpenDirectoryBeneath(directory.get(), path));
  if (unlinkat(parent.get(), leaf.c_str(), 0) != 0) {
    if (errno == ENOENT) return NoSuchObject(bucket, name);
    return base::ErrnoStatus(errno, absl::StrCat("delete object ", name));
  }
  if (fsync(parent.get()) != 0) return base::ErrnoStatus(errno, "fsync a directory of a bucket");
  return metadata_->DeleteObject(bucket, name);
}

}  // namespace trainyard::objects
