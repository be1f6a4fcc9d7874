#include "objects/beneath.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/status.h"

namespace trainyard::objects {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NONBLOCK;

base::Descriptor OpenBeneath(int directory, const char* path, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  while (true) {
    long file = syscall(SYS_openat2, directory, path, &how, sizeof(how));
    // EAGAIN: a rename on the way made the kernel unsure; it asks to try again.
    if (file >= 0 || (errno != EAGAIN && errno != EINTR)) {
      return base::Descriptor(static_cast<int>(file));
    }
  }
}

absl::Status NotFound(const std::string& path) {
  return absl::NotFoundError(absl::StrCat("No such object: ", path));
}

// Links, other mounts, and files where a directory should be: nothing that this store knows.
absl::Status OpenFault(const std::string& path) {
  switch (errno) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case EXDEV:
    case ENXIO:  // a socket
    case ENODEV:
    case ENAMETOOLONG:
      return NotFound(path);
    default:
      return base::ErrnoStatus(errno, absl::StrCat("open object ", path));
  }
}

int64_t Nanoseconds(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

Fingerprint FingerprintOf(const struct stat& info) {
  return Fingerprint{.inode = info.st_ino,
                     .size_bytes = static_cast<uint64_t>(info.st_size),
                     .modified_ns = Nanoseconds(info.st_mtim),
                     .changed_ns = Nanoseconds(info.st_ctim)};
}

absl::StatusOr<Fingerprint> CheckObject(int file, const std::string& path) {
  struct stat info;
  if (fstat(file, &info) != 0) return base::ErrnoStatus(errno, absl::StrCat("stat ", path));
  bool object =
      S_ISREG(info.st_mode) && info.st_nlink == 1 && (info.st_mode & (S_ISUID | S_ISGID)) == 0;
  if (!object) return NotFound(path);
  return FingerprintOf(info);
}

// What the kernel takes for "user::rwx,group::rwx,other::rwx" (linux/posix_acl_xattr.h).
std::string EveryoneAcl() {
  struct Entry {
    uint16_t tag, permissions;
    uint32_t id;
  };
  constexpr uint32_t kVersion = 2;
  constexpr uint32_t kNoId = UINT32_MAX;
  const std::array<Entry, 3> entries = {{{0x01, 7, kNoId}, {0x04, 7, kNoId}, {0x20, 7, kNoId}}};
  std::string acl(sizeof(kVersion) + sizeof(entries), '\0');
  std::memcpy(acl.data(), &kVersion, sizeof(kVersion));
  std::memcpy(acl.data() + sizeof(kVersion), entries.data(), sizeof(entries));
  return acl;
}

absl::Status InTheWay(absl::string_view path) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", path,
                   "' is a file or a link here (objects are files), so that no object's "
                   "name can start with '",
                   path, "/'."));
}

}  // namespace

absl::StatusOr<base::Descriptor> OpenDirectory(const std::string& path) {
  base::Descriptor directory(open(path.c_str(), kDirectoryFlags | O_CLOEXEC | O_NOFOLLOW));
  if (!directory.valid()) return base::ErrnoStatus(errno, absl::StrCat("open ", path));
  return directory;
}

absl::StatusOr<base::Descriptor> OpenDirectoryBeneath(int directory, const std::string& path) {
  base::Descriptor found =
      OpenBeneath(directory, path.empty() ? "." : path.c_str(), kDirectoryFlags);
  if (!found.valid()) return OpenFault(path);
  return found;
}

absl::StatusOr<base::Descriptor> OpenObjectBeneath(int directory, const std::string& path,
                                                   Fingerprint& fingerprint) {
  RETURN_IF_ERROR(StatObjectBeneath(directory, path).status());
  base::Descriptor file = OpenBeneath(directory, path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file.valid()) return OpenFault(path);
  ASSIGN_OR_RETURN(fingerprint, CheckObject(file.get(), path));
  return file;
}

absl::StatusOr<Fingerprint> StatObjectBeneath(int directory, const std::string& path) {
  base::Descriptor file = OpenBeneath(directory, path.c_str(), O_PATH);
  if (!file.valid()) return OpenFault(path);
  return CheckObject(file.get(), path);
}

absl::StatusOr<Fingerprint> FingerprintOf(int file) {
  struct stat info;
  if (fstat(file, &info) != 0) return base::ErrnoStatus(errno, "stat");
  return FingerprintOf(info);
}

absl::StatusOr<uint64_t> StatDirectoryBeneath(int directory, const std::string& path) {
  base::Descriptor found = OpenBeneath(directory, path.c_str(), O_PATH | O_DIRECTORY);
  if (!found.valid()) return OpenFault(path);
  ASSIGN_OR_RETURN(Fingerprint fingerprint, FingerprintOf(found.get()));
  return fingerprint.inode;
}

absl::Status OpenToEveryone(int directory, const Ownership& ownership) {
  if (ownership.uid != 0 && fchown(directory, ownership.uid, ownership.gid) != 0) {
    return base::ErrnoStatus(errno, "chown a directory of a bucket");
  }
  if (fchmod(directory, 0777) != 0)
    return base::ErrnoStatus(errno, "chmod a directory of a bucket");
  std::string acl = EveryoneAcl();
  if (fsetxattr(directory, "system.posix_acl_default", acl.data(), acl.size(), 0) != 0 &&
      errno != ENOTSUP) {
    return base::ErrnoStatus(errno, "set the default ACL of a directory of a bucket");
  }
  return absl::OkStatus();
}

absl::StatusOr<base::Descriptor> MakeDirectoriesBeneath(int directory, const std::string& path,
                                                        const Ownership& ownership) {
  ASSIGN_OR_RETURN(base::Descriptor here, OpenDirectoryBeneath(directory, ""));
  if (path.empty()) return here;
  std::string done;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(path, '/'))) {
    absl::StrAppend(&done, done.empty() ? "" : "/", part);
    base::Descriptor next = OpenBeneath(here.get(), part.c_str(), kDirectoryFlags);
    if (!next.valid() && errno == ENOENT) {
      bool made = mkdirat(here.get(), part.c_str(), 0700) == 0;
      if (!made && errno != EEXIST) {
        return base::ErrnoStatus(errno, absl::StrCat("make directory ", done));
      }
      next = OpenBeneath(here.get(), part.c_str(), kDirectoryFlags);
      if (next.valid() && made) {
        RETURN_IF_ERROR(OpenToEveryone(next.get(), ownership));
        if (fsync(here.get()) != 0)
          return base::ErrnoStatus(errno, "fsync a directory of a bucket");
      }
    }
    if (!next.valid()) {
      bool blocked = errno == ENOTDIR || errno == ELOOP || errno == EXDEV;
      return blocked ? InTheWay(done) : base::ErrnoStatus(errno, absl::StrCat("open ", done));
    }
    here = std::move(next);
  }
  return here;
}

bool RemoveEmptyTree(int parent, const std::string& name, int depth_max) {
  if (depth_max == 0) return false;
  if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
  absl::StatusOr<base::Descriptor> directory = OpenDirectoryBeneath(parent, name);
  if (!directory.ok()) return false;
  base::Descriptor copy(dup(directory->get()));
  DIR* stream = fdopendir(copy.get());
  if (stream == nullptr) return false;
  copy.Release();
  bool empty = true;
  while (dirent* entry = empty ? readdir(stream) : nullptr) {
    absl::string_view child = entry->d_name;
    if (child == "." || child == "..") continue;
    empty = RemoveEmptyTree(directory->get(), entry->d_name, depth_max - 1);
  }
  closedir(stream);
  return empty && (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT);
}

absl::StatusOr<std::vector<DirectoryEntry>> ListDirectory(int directory) {
  // A descriptor of its own: the place in the directory belongs to the open file.
  ASSIGN_OR_RETURN(base::Descriptor own, OpenDirectoryBeneath(directory, ""));
  DIR* stream = fdopendir(own.get());
  if (stream == nullptr) return base::ErrnoStatus(errno, "list a directory of a bucket");
  own.Release();
  std::vector<DirectoryEntry> entries;
  errno = 0;
  for (dirent* entry = readdir(stream); entry != nullptr; entry = readdir(stream)) {
    absl::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    unsigned char type = entry->d_type;
    struct stat info;
    if (type == DT_UNKNOWN &&
        fstatat(dirfd(stream), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
      type = S_ISDIR(info.st_mode) ? DT_DIR : S_ISREG(info.st_mode) ? DT_REG : DT_UNKNOWN;
    }
    if (type == DT_DIR) entries.push_back({absl::StrCat(name, "/")});
    if (type == DT_REG) entries.push_back({std::string(name)});
    errno = 0;
  }
  int error_number = errno;
  closedir(stream);
  if (error_number != 0) return base::ErrnoStatus(error_number, "list a directory of a bucket");
  std::sort(entries.begin(), entries.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.key < b.key; });
  return entries;
}

}  // namespace trainyard::objects
