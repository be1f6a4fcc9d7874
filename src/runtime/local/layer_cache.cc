#include "runtime/local/layer_cache.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fts.h>
#include <openssl/sha.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace trainyard::runtime {
namespace {

// Held while alive; released by the kernel when its process dies.
class FileLock {
 public:
  static absl::StatusOr<std::unique_ptr<FileLock>> Acquire(const std::string& path) {
    int fd = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) return base::ErrnoStatus(errno, absl::StrCat("open ", path));
    while (flock(fd, LOCK_EX) != 0) {
      if (errno == EINTR) continue;
      absl::Status status = base::ErrnoStatus(errno, absl::StrCat("lock ", path));
      close(fd);
      return status;
    }
    return std::make_unique<FileLock>(fd);
  }
  explicit FileLock(int fd) : fd_(fd) {}
  ~FileLock() { close(fd_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  const int fd_;
};

struct ArchiveReadDeleter {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
struct ArchiveWriteDeleter {
  void operator()(archive* writer) const { archive_write_free(writer); }
};

absl::Status ArchiveStatus(archive* from, absl::string_view what) {
  const char* text = archive_error_string(from);
  return absl::InternalError(absl::StrCat(what, ": ", text == nullptr ? "unknown error" : text));
}

absl::Status CopyData(archive* reader, archive* writer) {
  const void* block;
  size_t size;
  la_int64_t offset;
  while (true) {
    int result = archive_read_data_block(reader, &block, &size, &offset);
    if (result == ARCHIVE_EOF) return absl::OkStatus();
    if (result < ARCHIVE_WARN) return ArchiveStatus(reader, "read archive");
    if (archive_write_data_block(writer, block, size, offset) < ARCHIVE_WARN) {
      return ArchiveStatus(writer, "unpack archive");
    }
  }
}

bool IsDevice(archive_entry* entry) {
  auto type = archive_entry_filetype(entry);
  return type == AE_IFCHR || type == AE_IFBLK || type == AE_IFIFO;
}

// Members name paths from the archive's root: "./usr/bin/env", and so do hard links.
void MoveBelow(archive_entry* entry, const std::string& directory, uid_t base) {
  archive_entry_set_pathname(entry,
                             absl::StrCat(directory, "/", archive_entry_pathname(entry)).c_str());
  if (const char* link = archive_entry_hardlink(entry)) {
    archive_entry_set_hardlink(entry, absl::StrCat(directory, "/", link).c_str());
  }
  archive_entry_set_uid(entry, archive_entry_uid(entry) + base);
  archive_entry_set_gid(entry, archive_entry_gid(entry) + base);
  archive_entry_set_uname(entry, nullptr);
  archive_entry_set_gname(entry, nullptr);
}

}  // namespace

absl::StatusOr<std::string> LayerCache::Find(const std::string& key) {
  std::string path = absl::StrCat(directory_, "/layers/", key);
  ASSIGN_OR_RETURN(base::FileInfo info, disk_.Stat(path));
  if (!info.is_directory) return absl::NotFoundError(absl::StrCat(path, " is no directory"));
  return path;
}

absl::StatusOr<std::string> LayerCache::Ensure(
    const std::string& key, const std::function<absl::Status(const std::string&)>& make) {
  if (absl::StatusOr<std::string> found = Find(key); found.ok()) return found;
  for (absl::string_view part : {"layers", "building", "locks"}) {
    RETURN_IF_ERROR(disk_.MakeDirectories(absl::StrCat(directory_, "/", part), 0755));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock,
                   FileLock::Acquire(absl::StrCat(directory_, "/locks/", key)));
  if (absl::StatusOr<std::string> found = Find(key); found.ok())
    return found;  // made while we waited
  std::string building = absl::StrCat(directory_, "/building/", key);
  RETURN_IF_ERROR(disk_.RemoveTree(building));  // of a maker that died
  RETURN_IF_ERROR(disk_.MakeDirectories(building, 0755));
  if (absl::Status status = make(building); !status.ok()) {
    disk_.RemoveTree(building).IgnoreError();
    return status;
  }
  std::string path = absl::StrCat(directory_, "/layers/", key);
  RETURN_IF_ERROR(disk_.Rename(building, path));
  return path;
}

std::string LayerKey(absl::string_view name, absl::string_view content) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest);
  return absl::StrCat(
      name, "-", absl::BytesToHexString(absl::string_view(reinterpret_cast<char*>(digest), 8)));
}

absl::Status ShiftOwners(const std::string& directory, uid_t base) {
  std::string root = directory;
  char* roots[] = {root.data(), nullptr};
  std::unique_ptr<FTS, decltype(&fts_close)> walk(
      fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, nullptr), &fts_close);
  if (walk == nullptr) return base::ErrnoStatus(errno, absl::StrCat("walk ", directory));
  while (FTSENT* entry = fts_read(walk.get())) {
    if (entry->fts_info == FTS_DP) continue;
    if (entry->fts_errno != 0 && entry->fts_info != FTS_SLNONE) {
      return base::ErrnoStatus(entry->fts_errno, entry->fts_path);
    }
    const struct stat& status = *entry->fts_statp;
    if (lchown(entry->fts_path, status.st_uid + base, status.st_gid + base) != 0) {
      return base::ErrnoStatus(errno, absl::StrCat("chown ", entry->fts_path));
    }
    // chown(2) clears the set-id bits of files.
    if (S_ISREG(status.st_mode) && (status.st_mode & (S_ISUID | S_ISGID)) != 0 &&
        chmod(entry->fts_path, status.st_mode & 07777) != 0) {
      return base::ErrnoStatus(errno, absl::StrCat("chmod ", entry->fts_path));
    }
  }
  return absl::OkStatus();
}

absl::Status UnpackShifted(const std::string& tar_path, const std::string& directory, uid_t base) {
  std::unique_ptr<archive, ArchiveReadDeleter> reader(archive_read_new());
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_all(reader.get());
  if (archive_read_open_filename(reader.get(), tar_path.c_str(), 1 << 20) != ARCHIVE_OK) {
    return ArchiveStatus(reader.get(), absl::StrCat("open ", tar_path));
  }
  std::unique_ptr<archive, ArchiveWriteDeleter> writer(archive_write_disk_new());
  archive_write_disk_set_options(writer.get(), ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM |
                                                   ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_UNLINK |
                                                   ARCHIVE_EXTRACT_SECURE_NODOTDOT);
  archive_entry* entry;
  while (true) {
    int result = archive_read_next_header(reader.get(), &entry);
    if (result == ARCHIVE_EOF) return absl::OkStatus();
    if (result < ARCHIVE_WARN) return ArchiveStatus(reader.get(), absl::StrCat("read ", tar_path));
    if (IsDevice(entry)) continue;
    MoveBelow(entry, directory, base);
    if (archive_write_header(writer.get(), entry) < ARCHIVE_WARN) {
      return ArchiveStatus(writer.get(), absl::StrCat("unpack ", archive_entry_pathname(entry)));
    }
    RETURN_IF_ERROR(CopyData(reader.get(), writer.get()));
    if (archive_write_finish_entry(writer.get()) < ARCHIVE_WARN) {
      return ArchiveStatus(writer.get(), "unpack archive");
    }
  }
}

}  // namespace trainyard::runtime
