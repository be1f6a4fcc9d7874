#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"
#include "objects/file_store.h"
#include "objects/object_name.h"

namespace trainyard::objects {
namespace {

constexpr absl::Duration kUploadLifetime = absl::Hours(24 * 7);
constexpr size_t kUploadsInMemoryMax = 4096;

std::string FileOf(const std::string& id) { return absl::StrCat(kUploadPrefix, id); }

// The same bytes may become the object when the client tries again.
bool IsTransient(const absl::Status& status) {
  return absl::IsInternal(status) || absl::IsResourceExhausted(status);
}

absl::Status NoSuchUpload() {
  return absl::NotFoundError("No such upload: it was finished, cancelled, or is over a week old.");
}

}  // namespace

absl::StatusOr<Upload> FileStore::StartUpload(const std::string& bucket, const std::string& name,
                                              const ObjectAttributes& attributes,
                                              const Preconditions& preconditions) {
  RETURN_IF_ERROR(CheckObjectName(name));
  RETURN_IF_ERROR(GetBucket(bucket).status());
  ForgetOldUploads();
  UploadRow row{.id = base::NewHex(random_, 64),
                .bucket = bucket,
                .name = name,
                .attributes = attributes,
                .preconditions = preconditions};
  RETURN_IF_ERROR(metadata_->PutUpload(row, absl::ToUnixMicros(clock_.Now())));
  return Upload{.id = row.id, .bucket = bucket, .name = name};
}

void FileStore::ForgetOldUploads() {
  int64_t before_us = absl::ToUnixMicros(clock_.Now() - kUploadLifetime);
  absl::StatusOr<std::vector<std::string>> ids = metadata_->ListUploads(before_us);
  if (!ids.ok()) return;
  for (const std::string& id : *ids) CancelUpload(id).IgnoreError();
}

absl::StatusOr<std::shared_ptr<FileStore::OpenUpload>> FileStore::FindUpload(
    const std::string& id) {
  {
    base::MutexLock lock(uploads_mutex_);
    auto open = uploads_.find(id);
    if (open != uploads_.end()) return open->second;
  }
  ASSIGN_OR_RETURN(std::optional<UploadRow> row, metadata_->GetUpload(id));
  if (!row.has_value()) return NoSuchUpload();
  auto upload = std::make_shared<OpenUpload>();
  upload->row = *std::move(row);
  base::MutexLock lock(uploads_mutex_);
  // Those that nobody works on are found again in the metadata and in their file.
  if (uploads_.size() >= kUploadsInMemoryMax) {
    std::erase_if(uploads_, [](const auto& item) { return item.second.use_count() == 1; });
  }
  return uploads_.emplace(id, upload).first->second;
}

absl::StatusOr<Upload> FileStore::GetUpload(const std::string& id) {
  return AppendUpload(id, UINT64_MAX, "");
}

absl::StatusOr<Upload> FileStore::AppendUpload(const std::string& id, uint64_t offset,
                                               absl::string_view bytes) {
  ASSIGN_OR_RETURN(std::shared_ptr<OpenUpload> upload, FindUpload(id));
  base::MutexLock lock(upload->mutex);
  Upload result{.id = id, .bucket = upload->row.bucket, .name = upload->row.name};
  if (upload->finished.has_value()) {
    result.received_bytes = upload->finished->size_bytes;
    result.object = upload->finished;
    return result;
  }
  if (!upload->file.has_value()) {
    ASSIGN_OR_RETURN(upload->file, StagedFile::Open(staging_.get(), FileOf(id)));
  }
  if (offset != UINT64_MAX) {
    if (offset != upload->file->size_bytes()) {
      return absl::OutOfRangeError(absl::StrCat("Bytes from ", offset, " were sent, but ",
                                                upload->file->size_bytes(), " are here."));
    }
    RETURN_IF_ERROR(upload->file->Append(bytes));
  }
  result.received_bytes = upload->file->size_bytes();
  return result;
}

absl::StatusOr<Object> FileStore::FinishUpload(const std::string& id, const Checksums& checksums) {
  ASSIGN_OR_RETURN(std::shared_ptr<OpenUpload> upload, FindUpload(id));
  base::MutexLock lock(upload->mutex);
  if (upload->finished.has_value()) return *upload->finished;
  if (!upload->file.has_value()) {
    ASSIGN_OR_RETURN(upload->file, StagedFile::Open(staging_.get(), FileOf(id)));
  }
  absl::StatusOr<Object> object = CommitUpload(upload->row, *upload->file, checksums);
  upload->file.reset();
  if (object.ok()) {
    upload->finished = *object;  // for a client that did not get the answer
  } else if (IsTransient(object.status())) {
    return object;
  } else {
    base::MutexLock uploads_lock(uploads_mutex_);
    uploads_.erase(id);
    unlinkat(staging_.get(), FileOf(id).c_str(), 0);
  }
  absl::Status forgotten = metadata_->DeleteUpload(id);
  if (!forgotten.ok()) base::Log(base::Severity::kWarning, forgotten.ToString());
  return object;
}

absl::StatusOr<Object> FileStore::CommitUpload(const UploadRow& row, StagedFile& file,
                                               const Checksums& checksums) {
  RETURN_IF_ERROR(file.Seal(ownership()));
  for (const Checksums& given : {row.attributes.checksums, checksums}) {
    RETURN_IF_ERROR(CheckChecksums(given, file.crc32c(), file.md5()));
  }
  return Commit(row.bucket, row.name, row.attributes, row.preconditions, file);
}

absl::Status FileStore::CancelUpload(const std::string& id) {
  ASSIGN_OR_RETURN(std::shared_ptr<OpenUpload> upload, FindUpload(id));
  base::MutexLock lock(upload->mutex);
  if (upload->finished.has_value()) return NoSuchUpload();
  upload->file.reset();
  {
    base::MutexLock uploads_lock(uploads_mutex_);
    uploads_.erase(id);
  }
  unlinkat(staging_.get(), FileOf(id).c_str(), 0);
  return metadata_->DeleteUpload(id);
}

}  // namespace trainyard::objects
