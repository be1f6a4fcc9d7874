// The object store over files. Split by noun: file_store.cc (opening), buckets.cc, read.cc,
// list.cc, write.cc, uploads.cc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/descriptor.h"
#include "base/mutex.h"
#include "objects/beneath.h"
#include "objects/bucket_walk.h"
#include "objects/metadata.h"
#include "objects/objects.h"
#include "objects/staged_file.h"

namespace trainyard::objects {

// Lock order: an upload's, then commit_mutex_, then uploads_mutex_, then those of the parts.
class FileStore : public ObjectStore {
 public:
  FileStore(StoreOptions options, const base::Clock& clock, base::Random& random)
      : options_(std::move(options)), clock_(clock), random_(random), directories_(clock) {}
  absl::Status OpenRoots();

  absl::StatusOr<Bucket> CreateBucket(const std::string& project, const std::string& name,
                                      const std::string& location) override;
  absl::StatusOr<Bucket> GetBucket(const std::string& name) override;
  absl::StatusOr<std::vector<Bucket>> ListBuckets(const std::string& project) override;
  absl::StatusOr<Bucket> UpdateBucket(const Bucket& bucket) override;
  absl::Status DeleteBucket(const std::string& name) override;
  absl::StatusOr<std::string> BucketDirectory(const std::string& name) override;

  absl::StatusOr<Object> GetObject(const std::string& bucket, const std::string& name) override;
  absl::StatusOr<std::unique_ptr<ObjectReader>> OpenObject(const std::string& bucket,
                                                           const std::string& name) override;
  absl::StatusOr<ObjectPage> ListObjects(const std::string& bucket,
                                         const ListOptions& options) override;
  absl::Status DeleteObject(const std::string& bucket, const std::string& name,
                            const Preconditions& preconditions) override;
  absl::StatusOr<Object> UpdateObject(const std::string& bucket, const std::string& name,
                                      const ObjectAttributes& attributes,
                                      const Preconditions& preconditions) override;
  absl::StatusOr<std::unique_ptr<ObjectWriter>> CreateObject(
      const std::string& bucket, const std::string& name, const ObjectAttributes& attributes,
      const Preconditions& preconditions) override;

  absl::StatusOr<Upload> StartUpload(const std::string& bucket, const std::string& name,
                                     const ObjectAttributes& attributes,
                                     const Preconditions& preconditions) override;
  absl::StatusOr<Upload> GetUpload(const std::string& id) override;
  absl::StatusOr<Upload> AppendUpload(const std::string& id, uint64_t offset,
                                      absl::string_view bytes) override;
  absl::StatusOr<Object> FinishUpload(const std::string& id, const Checksums& checksums) override;
  absl::Status CancelUpload(const std::string& id) override;

  // Makes a sealed file the object. For writers.
  absl::StatusOr<Object> Commit(const std::string& bucket, const std::string& name,
                                const ObjectAttributes& attributes,
                                const Preconditions& preconditions, const StagedFile& staged)
      EXCLUDES(commit_mutex_);
  Ownership ownership() const { return {options_.owner_uid, options_.owner_gid}; }
  int staging() const { return staging_.get(); }

 private:
  // A resumable upload that this process has worked on.
  struct OpenUpload {
    base::Mutex mutex;
    UploadRow row;
    std::optional<StagedFile> file GUARDED_BY(mutex);
    std::optional<Object> finished GUARDED_BY(mutex);
  };

  // What a name stands for now.
  struct Found {
    Object object;
    Fingerprint fingerprint;
    std::optional<ObjectRow> row;
    bool row_is_fresh() const { return row.has_value() && row->fingerprint == fingerprint; }
  };

  absl::Status RecoverBuckets();
  absl::Status CleanStaging();
  absl::Status DiscardStaged(const std::string& name);
  absl::StatusOr<bool> IsEmpty(int bucket, const std::string& name);
  absl::StatusOr<base::Descriptor> OpenBucket(const std::string& name);
  absl::StatusOr<Found> Find(int bucket, const std::string& bucket_name, const std::string& name);
  // Reads the file for its CRC where it is not known, and keeps it.
  absl::Status FillChecksum(int bucket, Found& found);
  absl::StatusOr<bool> IsObject(int bucket, const std::string& bucket_name, const std::string& name,
                                Fingerprint& fingerprint);
  absl::StatusOr<Object> CommitPlaceholder(int bucket, const Object& object, ObjectRow row);
  absl::StatusOr<Object> CommitFile(int bucket, const Object& object, ObjectRow row,
                                    const StagedFile& staged);
  // Later than every one before, of this name and of all.
  int64_t NextGeneration(int64_t previous) REQUIRES(commit_mutex_);
  absl::StatusOr<std::shared_ptr<OpenUpload>> FindUpload(const std::string& id)
      EXCLUDES(uploads_mutex_);
  absl::StatusOr<Object> CommitUpload(const UploadRow& row, StagedFile& file,
                                      const Checksums& checksums);
  void ForgetOldUploads();

  const StoreOptions options_;
  const base::Clock& clock_;
  base::Random& random_;
  base::Descriptor data_root_;
  base::Descriptor staging_;
  std::unique_ptr<Metadata> metadata_;
  DirectoryCache directories_;

  base::Mutex commit_mutex_;  // preconditions hold until the change they allow is made
  int64_t last_generation_ GUARDED_BY(commit_mutex_) = 0;

  base::Mutex uploads_mutex_;
  std::map<std::string, std::shared_ptr<OpenUpload>> uploads_ GUARDED_BY(uploads_mutex_);
};

// The object that a file is, by its row where that still speaks of it.
Object DescribeObject(const std::string& bucket, const std::string& name,
                      const Fingerprint& fingerprint, const std::optional<ObjectRow>& row);

// `current` is null where there is no object. FAILED_PRECONDITION otherwise.
absl::Status CheckPreconditions(const Object* current, const Preconditions& preconditions);

absl::Status NoSuchObject(const std::string& bucket, const std::string& name);

inline constexpr char kUploadPrefix[] = "upload-";
inline constexpr char kWriterPrefix[] = "write-";
inline constexpr char kDeletedPrefix[] = "deleted-";

}  // namespace trainyard::objects
