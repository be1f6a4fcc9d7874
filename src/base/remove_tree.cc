#include "base/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/descriptor.h"
#include "base/status.h"

namespace trainyard::base {
namespace {

// A deeper directory is first moved up to the root of the tree, so that neither the stack nor the
// descriptors depend on what was written there.
constexpr int kDepthMax = 32;
// A directory that is still not empty after so many passes is being written to.
constexpr int kPassesMax = 100;

// Opens a directory below `parent`: -1 and errno, EXDEV for a mount point, ELOOP for a link.
int OpenBeneath(int parent, const char* name) {
  open_how how = {};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  return static_cast<int>(syscall(SYS_openat2, parent, name, &how, sizeof(how)));
}

// A directory of ours that we may not read (mode 0): opens it as a path, gives us the right, opens
// it again.
int OpenUnreadable(int parent, const char* name) {
  Descriptor path(openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!path.valid()) return -1;
  if (chmod(absl::StrCat("/proc/self/fd/", path.get()).c_str(), 0700) != 0) return -1;
  return OpenBeneath(parent, name);
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

class TreeRemover {
 public:
  explicit TreeRemover(std::string path) : path_(std::move(path)) {}

  absl::Status Remove() {
    size_t slash = path_.find_last_of('/');
    std::string parent_path = slash == 0 ? "/" : path_.substr(0, slash);
    std::string name = path_.substr(slash + 1);
    Descriptor parent(open(parent_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent.valid()) {
      return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, "open " + parent_path);
    }
    return RemoveEntry(parent.get(), name.c_str(), 0);
  }

 private:
  absl::Status Fault(int error_number, absl::string_view operation, absl::string_view name) const {
    if (error_number == EXDEV || error_number == EBUSY) {
      return absl::FailedPreconditionError(
          absl::StrCat("remove ", path_, ": ", name, " is a mount point; unmount it first"));
    }
    return ErrnoStatus(error_number, absl::StrCat(operation, " ", name, " below ", path_));
  }

  absl::Status RemoveEntry(int parent, const char* name, int depth) {
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return absl::OkStatus();
    if (errno != EISDIR) return Fault(errno, "unlink", name);
    for (int pass = 0; pass < kPassesMax; ++pass) {
      if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return absl::OkStatus();
      if (errno != ENOTEMPTY && errno != EEXIST) return Fault(errno, "rmdir", name);
      if (depth == kDepthMax) return MoveUp(parent, name);
      uint64_t moved = moved_;
      RETURN_IF_ERROR(EmptyDirectory(parent, name, depth));
      if (moved_ != moved) pass = 0;  // what was moved up is this directory's next pass
    }
    return absl::UnavailableError(
        absl::StrCat("remove ", path_, ": ", name, " is still being written to"));
  }

  absl::Status MoveUp(int parent, const char* name) {
    while (true) {
      std::string moved = absl::StrCat(".removing-", ++moved_);
      if (renameat2(parent, name, root_, moved.c_str(), RENAME_NOREPLACE) == 0) {
        return absl::OkStatus();
      }
      if (errno != EEXIST) return Fault(errno, "move", name);
    }
  }

  absl::Status EmptyDirectory(int parent, const char* name, int depth) {
    int number = OpenBeneath(parent, name);
    if (number < 0 && errno == EACCES) number = OpenUnreadable(parent, name);
    if (number < 0) return errno == ENOENT ? absl::OkStatus() : Fault(errno, "open", name);
    if (depth == 0) root_ = number;
    struct stat info;
    if (fstat(number, &info) == 0 && (info.st_mode & 0700) != 0700) fchmod(number, 0700);
    Directory directory(fdopendir(number));
    if (directory == nullptr) {
      int error_number = errno;
      close(number);
      return Fault(error_number, "list", name);
    }
    errno = 0;
    while (dirent* entry = readdir(directory.get())) {
      absl::string_view child = entry->d_name;
      if (child != "." && child != "..") {
        RETURN_IF_ERROR(RemoveEntry(number, entry->d_name, depth + 1));
      }
      errno = 0;
    }
    return errno == 0 ? absl::OkStatus() : Fault(errno, "list", name);
  }

  const std::string path_;
  int root_ = -1;       // the open tree, owned by EmptyDirectory at depth 0
  uint64_t moved_ = 0;  // directories moved up so far
};

}  // namespace

absl::Status RemoveTreeBeneath(const std::string& path) {
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
  if (trimmed.size() < 2 || trimmed[0] != '/' || trimmed.ends_with("/..") ||
      trimmed.ends_with("/.")) {
    return absl::InvalidArgumentError("remove " + path + ": not a path that may be removed");
  }
  return TreeRemover(std::move(trimmed)).Remove();
}

}  // namespace trainyard::base
