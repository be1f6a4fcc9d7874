#include "objects/file_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/remove_tree.h"
#include "base/status.h"

namespace trainyard::objects {
namespace {

constexpr char kStaging[] = ".staging";  // no bucket has such a name

absl::StatusOr<base::Descriptor> OpenPrivateDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return base::ErrnoStatus(errno, absl::StrCat("make directory ", path));
  }
  ASSIGN_OR_RETURN(base::Descriptor directory, OpenDirectory(path));
  if (fchmod(directory.get(), 0700) != 0) {
    return base::ErrnoStatus(errno, absl::StrCat("chmod ", path));
  }
  return directory;
}

}  // namespace

absl::Status FileStore::OpenRoots() {
  ASSIGN_OR_RETURN(data_root_, OpenPrivateDirectory(options_.data_root));
  ASSIGN_OR_RETURN(staging_, OpenPrivateDirectory(absl::StrCat(options_.data_root, "/", kStaging)));
  RETURN_IF_ERROR(OpenPrivateDirectory(options_.metadata_root).status());
  absl::StatusOr<base::Descriptor> probe = OpenDirectoryBeneath(data_root_.get(), "");
  if (!probe.ok()) {
    return base::Annotate(probe.status(), "the object store needs openat2 (Linux 5.6)");
  }
  ASSIGN_OR_RETURN(metadata_, Metadata::Open(absl::StrCat(options_.metadata_root, "/objects.db")));
  {
    base::MutexLock lock(commit_mutex_);
    ASSIGN_OR_RETURN(last_generation_, metadata_->MaxGeneration());
  }
  RETURN_IF_ERROR(RecoverBuckets());
  ForgetOldUploads();
  return CleanStaging();
}

absl::Status FileStore::RecoverBuckets() {
  ASSIGN_OR_RETURN(std::vector<Bucket> buckets, metadata_->ListBuckets(""));
  for (const Bucket& bucket : buckets) {
    if (OpenDirectoryBeneath(data_root_.get(), bucket.name).ok()) continue;
    base::Log(base::Severity::kWarning,
              absl::StrCat("the directory of bucket ", bucket.name, " was missing and is made"));
    RETURN_IF_ERROR(MakeDirectoriesBeneath(data_root_.get(), bucket.name, ownership()).status());
  }
  return absl::OkStatus();
}

absl::Status FileStore::CleanStaging() {
  ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, ListDirectory(staging_.get()));
  for (const DirectoryEntry& entry : entries) {
    absl::string_view id = entry.key;
    if (absl::ConsumePrefix(&id, kUploadPrefix)) {
      ASSIGN_OR_RETURN(std::optional<UploadRow> row, metadata_->GetUpload(std::string(id)));
      if (row.has_value()) continue;
    }
    std::string name = entry.key;
    if (entry.is_directory()) name.pop_back();
    RETURN_IF_ERROR(DiscardStaged(name));
  }
  return absl::OkStatus();
}

absl::Status FileStore::DiscardStaged(const std::string& name) {
  return base::RemoveTreeBeneath(absl::StrCat(options_.data_root, "/", kStaging, "/", name));
}

int64_t FileStore::NextGeneration(int64_t previous) {
  int64_t now_us = absl::ToUnixMicros(clock_.Now());
  last_generation_ = std::max({now_us, previous + 1, last_generation_ + 1});
  return last_generation_;
}

Object DescribeObject(const std::string& bucket, const std::string& name,
                      const Fingerprint& fingerprint, const std::optional<ObjectRow>& row) {
  Object object;
  object.bucket = bucket;
  object.name = name;
  object.content_type = "application/octet-stream";
  if (row.has_value() && row->fingerprint == fingerprint) {
    object.size_bytes = fingerprint.size_bytes;
    object.generation = row->generation;
    object.metageneration = row->metageneration;
    object.has_crc32c = row->crc32c.has_value();
    object.crc32c = row->crc32c.value_or(0);
    object.md5 = row->md5;
    if (!row->attributes.content_type.empty()) object.content_type = row->attributes.content_type;
    object.headers = row->attributes.headers;
    object.metadata = row->attributes.metadata;
    object.created = absl::FromUnixMicros(row->created_us);
    object.updated = absl::FromUnixMicros(row->updated_us);
    return object;
  }
  // A job wrote it. The time of change is the kernel's: a job cannot set it.
  int64_t changed_us = fingerprint.changed_ns / 1000;
  object.size_bytes = fingerprint.size_bytes;
  object.generation = std::max(changed_us, row.has_value() ? row->generation + 1 : 1);
  object.created = absl::FromUnixMicros(changed_us);
  object.updated = object.created;
  return object;
}

absl::Status CheckPreconditions(const Object* current, const Preconditions& preconditions) {
  int64_t generation = current == nullptr ? 0 : current->generation;
  int64_t metageneration = current == nullptr ? 0 : current->metageneration;
  bool holds =
      (preconditions.if_generation_match < 0 || preconditions.if_generation_match == generation) &&
      (preconditions.if_generation_not_match < 0 ||
       preconditions.if_generation_not_match != generation) &&
      (preconditions.if_metageneration_match < 0 ||
       preconditions.if_metageneration_match == metageneration) &&
      (preconditions.if_metageneration_not_match < 0 ||
       preconditions.if_metageneration_not_match != metageneration);
  if (holds) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "At least one of the pre-conditions you specified did not hold.");
}

absl::Status NoSuchObject(const std::string& bucket, const std::string& name) {
  return absl::NotFoundError(absl::StrCat("No such object: ", bucket, "/", name));
}

absl::StatusOr<std::unique_ptr<ObjectStore>> ObjectStore::Open(const StoreOptions& options,
                                                               const base::Clock& clock,
                                                               base::Random& random) {
  auto store = std::make_unique<FileStore>(options, clock, random);
  RETURN_IF_ERROR(store->OpenRoots());
  return std::unique_ptr<ObjectStore>(std::move(store));
}

}  // namespace trainyard::objects
