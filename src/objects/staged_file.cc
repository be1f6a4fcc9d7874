#include "objects/staged_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/status.h"

namespace trainyard::objects {
namespace {

constexpr size_t kReadBytes = 1 << 20;

}  // namespace

absl::StatusOr<StagedFile> StagedFile::Open(int directory, const std::string& name) {
  base::Descriptor file(
      openat(directory, name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return base::ErrnoStatus(errno, "make a staging file");
  StagedFile staged(std::move(file), name);
  RETURN_IF_ERROR(staged.HashWhatIsThere());
  return staged;
}

absl::Status StagedFile::HashWhatIsThere() {
  std::string buffer(kReadBytes, '\0');
  while (true) {
    ssize_t count =
        pread(file_.get(), buffer.data(), buffer.size(), static_cast<off_t>(size_bytes_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::ErrnoStatus(errno, "read a staging file");
    if (count == 0) return absl::OkStatus();
    hasher_.Add(absl::string_view(buffer.data(), static_cast<size_t>(count)));
    size_bytes_ += static_cast<uint64_t>(count);
  }
}

absl::Status StagedFile::Append(absl::string_view bytes) {
  size_t written = 0;
  while (written < bytes.size()) {
    ssize_t count = pwrite(file_.get(), bytes.data() + written, bytes.size() - written,
                           static_cast<off_t>(size_bytes_ + written));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      absl::Status status = base::ErrnoStatus(errno, "write an object");
      if (ftruncate(file_.get(), static_cast<off_t>(size_bytes_)) != 0) {
        return base::ErrnoStatus(errno, "cut a staging file");
      }
      return status;
    }
    written += static_cast<size_t>(count);
  }
  hasher_.Add(bytes);
  size_bytes_ += bytes.size();
  return absl::OkStatus();
}

absl::Status StagedFile::Seal(const Ownership& ownership) {
  if (md5_.empty()) md5_ = hasher_.TakeMd5();
  if (ownership.uid != 0 && fchown(file_.get(), ownership.uid, ownership.gid) != 0) {
    return base::ErrnoStatus(errno, "chown an object");
  }
  if (fchmod(file_.get(), 0666) != 0) return base::ErrnoStatus(errno, "chmod an object");
  if (fsync(file_.get()) != 0) return base::ErrnoStatus(errno, "fsync an object");
  return absl::OkStatus();
}

}  // namespace trainyard::objects
