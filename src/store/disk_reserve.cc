#include "store/disk_reserve.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/descriptor.h"
#include "base/disk.h"
#include "base/log.h"

namespace trainyard::store {
namespace {

std::string DirectoryOf(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

absl::Status NoSpace(const std::string& directory, uint64_t free_bytes, uint64_t wanted_bytes) {
  return absl::ResourceExhaustedError(
      absl::StrCat("the disk of ", directory, " has ", free_bytes >> 20,
                   " MiB free; new work is accepted again when it has ", wanted_bytes >> 20,
                   " MiB: delete old jobs, buckets or images, or make the disk larger"));
}

}  // namespace

DiskReserve::DiskReserve(std::string path, uint64_t reserve_bytes, uint64_t free_bytes_min)
    : path_(std::move(path)),
      directory_(DirectoryOf(path_)),
      reserve_bytes_(reserve_bytes),
      free_bytes_min_(free_bytes_min) {
  Fill();
}

void DiskReserve::Fill() {
  base::MutexLock lock(mutex_);
  if (held_ || reserve_bytes_ == 0) return;
  absl::StatusOr<base::FileInfo> file = base::RealDisk().Stat(path_);
  held_ = file.ok() && file->size_bytes == reserve_bytes_;
  if (held_) return;
  absl::StatusOr<uint64_t> free_bytes = base::RealDisk().FreeBytes(directory_);
  if (!free_bytes.ok() || *free_bytes < 2 * reserve_bytes_) return;
  base::Descriptor reserve(open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  held_ =
      reserve.valid() && posix_fallocate(reserve.get(), 0, static_cast<off_t>(reserve_bytes_)) == 0;
  if (!held_) unlink(path_.c_str());
}

bool DiskReserve::Release() {
  base::MutexLock lock(mutex_);
  if (!held_) return false;
  held_ = false;
  unlink(path_.c_str());
  base::Log(base::Severity::kError,
            absl::StrCat("the disk of ", directory_, " is full: the store uses its reserve of ",
                         reserve_bytes_ >> 20, " MiB; free some space"));
  return true;
}

bool DiskReserve::held() const {
  base::MutexLock lock(mutex_);
  return held_;
}

absl::Status DiskReserve::Check() const {
  absl::StatusOr<uint64_t> free_bytes = base::RealDisk().FreeBytes(directory_);
  if (!free_bytes.ok()) return free_bytes.status();
  bool enough = reserve_bytes_ == 0 || held();
  if (enough && *free_bytes >= free_bytes_min_) return absl::OkStatus();
  return NoSpace(directory_, *free_bytes,
                 enough ? free_bytes_min_ : std::max(free_bytes_min_, 2 * reserve_bytes_));
}

}  // namespace trainyard::store
