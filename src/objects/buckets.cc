#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"
#include "objects/file_store.h"
#include "objects/object_name.h"

namespace trainyard::objects {
namespace {

absl::Status NoSuchBucket(const std::string& name) {
  return absl::NotFoundError(absl::StrCat("The specified bucket does not exist: ", name,
                                          ". Make it with `trainyard storage mb gs://", name,
                                          "`."));
}

}  // namespace

absl::StatusOr<Bucket> FileStore::CreateBucket(const std::string& project, const std::string& name,
                                               const std::string& location) {
  RETURN_IF_ERROR(CheckBucketName(name));
  base::MutexLock lock(commit_mutex_);
  ASSIGN_OR_RETURN(std::optional<Bucket> existing, metadata_->GetBucket(name));
  if (existing.has_value()) {
    return absl::AlreadyExistsError(
        existing->project == project
            ? "Your previous request to create the named bucket succeeded and you already own it."
            : "The requested bucket name is not available. The bucket namespace is shared by all "
              "projects of this server. Please select a different name and try again.");
  }
  absl::StatusOr<base::Descriptor> left = OpenDirectoryBeneath(data_root_.get(), name);
  if (left.ok()) {
    ASSIGN_OR_RETURN(bool empty, IsEmpty(left->get(), name));
    if (!empty) {
      return absl::AlreadyExistsError(
          absl::StrCat("The directory ", options_.data_root, "/", name,
                       " has files but is no bucket that this server made. Move it away first."));
    }
  }
  ASSIGN_OR_RETURN(base::Descriptor directory,
                   MakeDirectoriesBeneath(data_root_.get(), name, ownership()));
  RETURN_IF_ERROR(OpenToEveryone(directory.get(), ownership()));
  Bucket bucket;
  bucket.name = name;
  bucket.project = project;
  bucket.location = location;
  bucket.created = absl::FromUnixMicros(absl::ToUnixMicros(clock_.Now()));
  bucket.updated = bucket.created;
  RETURN_IF_ERROR(metadata_->PutBucket(bucket));
  return bucket;
}

absl::StatusOr<Bucket> FileStore::GetBucket(const std::string& name) {
  ASSIGN_OR_RETURN(std::optional<Bucket> bucket, metadata_->GetBucket(name));
  if (!bucket.has_value()) return NoSuchBucket(name);
  return *std::move(bucket);
}

absl::StatusOr<std::vector<Bucket>> FileStore::ListBuckets(const std::string& project) {
  return metadata_->ListBuckets(project);
}

absl::StatusOr<Bucket> FileStore::UpdateBucket(const Bucket& bucket) {
  base::MutexLock lock(commit_mutex_);
  ASSIGN_OR_RETURN(Bucket current, GetBucket(bucket.name));
  current.storage_class = bucket.storage_class;
  current.labels = bucket.labels;
  current.iam_policy = bucket.iam_policy;
  current.metageneration += 1;
  current.updated = absl::FromUnixMicros(absl::ToUnixMicros(clock_.Now()));
  RETURN_IF_ERROR(metadata_->PutBucket(current));
  return current;
}

absl::StatusOr<bool> FileStore::IsEmpty(int bucket, const std::string& name) {
  BucketWalk walk(bucket, directories_);
  RETURN_IF_ERROR(walk.Seek(""));
  while (true) {
    ASSIGN_OR_RETURN(std::string object, walk.Next());
    if (object.empty()) return true;
    Fingerprint fingerprint;
    ASSIGN_OR_RETURN(bool is_object, IsObject(bucket, name, object, fingerprint));
    if (is_object) return false;
  }
}

absl::Status FileStore::DeleteBucket(const std::string& name) {
  base::MutexLock lock(commit_mutex_);
  ASSIGN_OR_RETURN(base::Descriptor bucket, OpenBucket(name));
  ASSIGN_OR_RETURN(bool empty, IsEmpty(bucket.get(), name));
  if (!empty) {
    return absl::FailedPreconditionError("The bucket you tried to delete is not empty.");
  }
  std::string deleted = absl::StrCat(kDeletedPrefix, base::NewHex(random_, 16));
  if (renameat(data_root_.get(), name.c_str(), staging_.get(), deleted.c_str()) != 0) {
    return base::ErrnoStatus(errno, absl::StrCat("remove the directory of bucket ", name));
  }
  RETURN_IF_ERROR(metadata_->DeleteBucket(name));
  // What is left are directories and things that are no objects. If it fails, the next start does
  // it.
  absl::Status discarded = DiscardStaged(deleted);
  if (!discarded.ok()) base::Log(base::Severity::kWarning, discarded.ToString());
  return absl::OkStatus();
}

absl::StatusOr<std::string> FileStore::BucketDirectory(const std::string& name) {
  RETURN_IF_ERROR(GetBucket(name).status());
  return absl::StrCat(options_.data_root, "/", name);
}

absl::StatusOr<base::Descriptor> FileStore::OpenBucket(const std::string& name) {
  RETURN_IF_ERROR(GetBucket(name).status());
  return OpenDirectoryBeneath(data_root_.get(), name);
}

}  // namespace trainyard::objects
