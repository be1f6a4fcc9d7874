#include "base/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/descriptor.h"
#include "base/remove_tree.h"
#include "base/status.h"

namespace trainyard::base {
namespace {

constexpr uint64_t kReadChunkBytesMin = 4 << 10;
constexpr uint64_t kReadChunkBytesMax = 1 << 20;

absl::Status Fault(absl::string_view operation, const std::string& path) {
  return ErrnoStatus(errno, absl::StrCat(operation, " ", path));
}

std::string DirectoryOf(const std::string& path) {
  size_t slash = path.find_last_of('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

absl::StatusOr<Descriptor> Open(const std::string& path, int flags, mode_t mode = 0) {
  Descriptor file(open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!file.valid()) return Fault("open", path);
  return file;
}

absl::Status SyncDirectory(const std::string& path) {
  ASSIGN_OR_RETURN(Descriptor directory, Open(path, O_RDONLY | O_DIRECTORY));
  return fsync(directory.get()) == 0 ? absl::OkStatus() : Fault("fsync", path);
}

// Writes all of it, or as much as fits. `written` counts what was written even on failure.
absl::Status WriteAll(int file, absl::string_view bytes, const std::string& path,
                      uint64_t& written) {
  while (!bytes.empty()) {
    ssize_t count = write(file, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return Fault("write", path);
    }
    written += static_cast<uint64_t>(count);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

class RealAppendFile : public AppendFile {
 public:
  RealAppendFile(std::string path, Descriptor file, uint64_t size_bytes, bool created)
      : path_(std::move(path)), file_(std::move(file)), size_bytes_(size_bytes), new_(created) {}

  absl::Status Append(absl::string_view bytes) override {
    return WriteAll(file_.get(), bytes, path_, size_bytes_);
  }

  absl::Status Sync() override {
    if (fdatasync(file_.get()) != 0) return Fault("fdatasync", path_);
    if (new_) RETURN_IF_ERROR(SyncDirectory(DirectoryOf(path_)));
    new_ = false;
    return absl::OkStatus();
  }

  uint64_t size_bytes() const override { return size_bytes_; }

 private:
  const std::string path_;
  const Descriptor file_;
  uint64_t size_bytes_;
  bool new_;  // its name is not on stable storage yet
};

}  // namespace

absl::StatusOr<std::string> RealDisk::Read(const std::string& path) {
  return ReadRange(path, 0, UINT64_MAX);
}

absl::StatusOr<std::string> RealDisk::ReadRange(const std::string& path, uint64_t offset,
                                                uint64_t length) {
  ASSIGN_OR_RETURN(Descriptor file, Open(path, O_RDONLY));
  struct stat info;
  if (fstat(file.get(), &info) != 0) return Fault("stat", path);
  // Files of /proc say that they are empty.
  const uint64_t chunk_bytes = std::clamp<uint64_t>(static_cast<uint64_t>(info.st_size) + 1,
                                                    kReadChunkBytesMin, kReadChunkBytesMax);
  std::string contents;
  while (contents.size() < length) {
    size_t start = contents.size();
    size_t wanted = static_cast<size_t>(std::min<uint64_t>(length - start, chunk_bytes));
    contents.resize(start + wanted);
    ssize_t count = pread(file.get(), &contents[start], wanted, static_cast<off_t>(offset + start));
    if (count < 0 && errno != EINTR) return Fault("read", path);
    contents.resize(start + static_cast<size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) break;
  }
  return contents;
}

absl::Status RealDisk::WriteAtomically(const std::string& path, absl::string_view contents,
                                       mode_t mode) {
  std::string temporary = path + ".XXXXXX.tmp";
  Descriptor file(mkostemps(temporary.data(), 4, O_CLOEXEC));
  if (!file.valid()) return Fault("create a temporary file for", path);
  uint64_t written = 0;
  absl::Status status = WriteAll(file.get(), contents, temporary, written);
  if (status.ok() && fchmod(file.get(), mode) != 0) status = Fault("chmod", temporary);
  if (status.ok() && fsync(file.get()) != 0) status = Fault("fsync", temporary);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0)
    status = Fault("rename to", path);
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncDirectory(DirectoryOf(path));
}

absl::StatusOr<std::unique_ptr<AppendFile>> RealDisk::OpenAppend(const std::string& path,
                                                                 mode_t mode) {
  constexpr int kFlags = O_WRONLY | O_APPEND;
  absl::StatusOr<Descriptor> file = Open(path, kFlags | O_CREAT | O_EXCL, mode);
  bool created = file.ok();
  if (created && fchmod(file->get(), mode) != 0) return Fault("chmod", path);
  if (absl::IsAlreadyExists(file.status())) file = Open(path, kFlags);
  if (!file.ok()) return file.status();
  struct stat info;
  if (fstat(file->get(), &info) != 0) return Fault("stat", path);
  return std::make_unique<RealAppendFile>(path, *std::move(file),
                                          static_cast<uint64_t>(info.st_size), created);
}

absl::Status RealDisk::Truncate(const std::string& path, uint64_t size_bytes) {
  ASSIGN_OR_RETURN(Descriptor file, Open(path, O_WRONLY));
  if (ftruncate(file.get(), static_cast<off_t>(size_bytes)) != 0) return Fault("truncate", path);
  return fsync(file.get()) == 0 ? absl::OkStatus() : Fault("fsync", path);
}

absl::Status RealDisk::Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) {
    return Fault(absl::StrCat("rename ", from, " to"), to);
  }
  RETURN_IF_ERROR(SyncDirectory(DirectoryOf(to)));
  if (DirectoryOf(from) == DirectoryOf(to)) return absl::OkStatus();
  return SyncDirectory(DirectoryOf(from));
}

absl::Status RealDisk::Remove(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return Fault("remove", path);
}

absl::Status RealDisk::RemoveTree(const std::string& path) { return RemoveTreeBeneath(path); }

absl::Status RealDisk::MakeDirectories(const std::string& path, mode_t mode) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) return Fault("stat", path);
    RETURN_IF_ERROR(MakeDirectories(DirectoryOf(path), mode));
    if (mkdir(path.c_str(), mode) == 0) {
      // The umask does not decide who may read our files.
      return chmod(path.c_str(), mode) == 0 ? absl::OkStatus() : Fault("chmod", path);
    }
    // Another made it meanwhile, or `path` ends in a slash.
    if (errno != EEXIST) return Fault("make directory", path);
    if (stat(path.c_str(), &info) != 0) return Fault("stat", path);
  }
  if (S_ISDIR(info.st_mode)) return absl::OkStatus();
  return ErrnoStatus(ENOTDIR, "make directory " + path);
}

absl::StatusOr<std::vector<std::string>> RealDisk::List(const std::string& path) {
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return Fault("list", path);
  std::vector<std::string> names;
  errno = 0;
  while (dirent* entry = readdir(directory)) {
    absl::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  int error_number = errno;
  closedir(directory);
  if (error_number != 0) return ErrnoStatus(error_number, "list " + path);
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<FileInfo> RealDisk::Stat(const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return Fault("stat", path);
  return FileInfo{.size_bytes = static_cast<uint64_t>(info.st_size),
                  .is_directory = S_ISDIR(info.st_mode),
                  .modified = absl::TimeFromTimespec(info.st_mtim)};
}

absl::StatusOr<uint64_t> RealDisk::FreeBytes(const std::string& path) {
  struct statvfs info;
  if (statvfs(path.c_str(), &info) != 0) return Fault("read the free space of", path);
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace trainyard::base
