#include "runner/replica_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/disk.h"
#include "base/process.h"
#include "base/status.h"

namespace trainyard::runner {
namespace {

// An exit record has two texts of at most 4 KiB each.
constexpr off_t kExitBytes = 16 << 10;

absl::Status WriteAll(int file, absl::string_view bytes, const std::string& path) {
  for (off_t done = 0; done < static_cast<off_t>(bytes.size());) {
    ssize_t count =
        pwrite(file, bytes.data() + done, bytes.size() - static_cast<size_t>(done), done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::ErrnoStatus(errno, "write " + path);
    done += count;
  }
  return absl::OkStatus();
}

absl::Status WriteIdentity(int lock, const std::string& path) {
  ASSIGN_OR_RETURN(base::ProcessIdentity self, base::IdentifyProcess(getpid()));
  return WriteAll(lock, absl::StrCat(self.boot_id, " ", self.pid, " ", self.start_ticks, "\n"),
                  path);
}

}  // namespace

absl::StatusOr<ReplicaDirectory> ReplicaDirectory::Open(const std::string& path) {
  const std::string lock_path = path + "/lock";
  base::Descriptor lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) return base::ErrnoStatus(errno, "open " + lock_path);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(lock_path + " is held by another");
  }
  struct stat info;
  if (fstat(lock.get(), &info) != 0) return base::ErrnoStatus(errno, "stat " + lock_path);
  if (info.st_nlink == 0 || info.st_size > 0) {
    return absl::FailedPreconditionError(lock_path + " was held before");
  }
  RETURN_IF_ERROR(WriteIdentity(lock.get(), lock_path));
  const std::string exit_path = path + "/exit.binpb.new";
  base::Descriptor exit(open(exit_path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!exit.valid()) return base::ErrnoStatus(errno, "open " + exit_path);
  if (int error_number = posix_fallocate(exit.get(), 0, kExitBytes); error_number != 0) {
    return base::ErrnoStatus(error_number, "reserve " + exit_path);
  }
  return ReplicaDirectory(path, std::move(lock), std::move(exit));
}

absl::StatusOr<ReplicaSpec> ReplicaDirectory::ReadSpec() const {
  base::RealDisk disk;
  ASSIGN_OR_RETURN(std::string bytes, disk.Read(path_ + "/replica.binpb"));
  ReplicaSpec spec;
  if (!spec.ParseFromString(bytes) || spec.version() != 1) {
    return absl::FailedPreconditionError(path_ + "/replica.binpb is not of a version known here");
  }
  return spec;
}

absl::Status ReplicaDirectory::WriteStart(const StartRecord& record) const {
  // Not durable: after a crash of the machine nothing runs that it could speak of.
  const std::string path = path_ + "/started.binpb";
  const std::string temporary = path + ".new";
  base::Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return base::ErrnoStatus(errno, "open " + temporary);
  RETURN_IF_ERROR(WriteAll(file.get(), record.SerializeAsString(), temporary));
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    return base::ErrnoStatus(errno, "rename to " + path);
  }
  return absl::OkStatus();
}

absl::Status ReplicaDirectory::WriteExit(const ExitRecord& record) const {
  const std::string path = path_ + "/exit.binpb";
  const std::string bytes = record.SerializeAsString();
  RETURN_IF_ERROR(WriteAll(exit_.get(), bytes, path));
  if (ftruncate(exit_.get(), static_cast<off_t>(bytes.size())) != 0 || fsync(exit_.get()) != 0) {
    return base::ErrnoStatus(errno, "fsync " + path);
  }
  if (rename((path + ".new").c_str(), path.c_str()) != 0) {
    return base::ErrnoStatus(errno, "rename to " + path);
  }
  base::Descriptor directory(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || fsync(directory.get()) != 0) {
    return base::ErrnoStatus(errno, "fsync " + path_);
  }
  return absl::OkStatus();
}

}  // namespace trainyard::runner
