#include "runner/root_filesystem.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/descriptor.h"
#include "base/status.h"

namespace trainyard::runner {
namespace {

// mount(2) takes one page of options.
constexpr size_t kOptionBytesMax = 4095;
constexpr size_t kStageBytesMax = 32;

std::string UpperOf(const v1::ReplicaSpec& spec) { return spec.directory() + "/scratch/upper"; }

absl::Status MakeDirectory(const std::string& path, uint32_t mode, uint32_t owner) {
  if (mkdir(path.c_str(), mode) != 0) {
    if (errno == EEXIST) return absl::OkStatus();
    return base::ErrnoStatus(errno, "make directory " + path);
  }
  if (chmod(path.c_str(), mode) != 0 || chown(path.c_str(), owner, owner) != 0) {
    return base::ErrnoStatus(errno, "set the owner of " + path);
  }
  return absl::OkStatus();
}

absl::Status MakeParents(const std::string& root, absl::string_view path, uint32_t owner) {
  std::vector<absl::string_view> names = absl::StrSplit(path, '/', absl::SkipEmpty());
  std::string directory = root;
  for (size_t i = 0; i + 1 < names.size(); ++i) {
    absl::StrAppend(&directory, "/", names[i]);
    RETURN_IF_ERROR(MakeDirectory(directory, 0755, owner));
  }
  return absl::OkStatus();
}

absl::Status WriteRootFile(const std::string& upper, const v1::RootFile& file, uint32_t owner) {
  RETURN_IF_ERROR(MakeParents(upper, file.path(), owner));
  const std::string path = upper + file.path();
  if (file.is_directory()) return MakeDirectory(path, file.mode(), owner);
  base::Descriptor output(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!output.valid()) return base::ErrnoStatus(errno, "create " + path);
  const std::string& contents = file.contents();
  if (write(output.get(), contents.data(), contents.size()) !=
          static_cast<ssize_t>(contents.size()) ||
      fchmod(output.get(), file.mode()) != 0 || fchown(output.get(), owner, owner) != 0) {
    return base::ErrnoStatus(errno, "write " + path);
  }
  return absl::OkStatus();
}

// A colon parts layers, a comma parts options.
std::string EscapeLayer(absl::string_view path) {
  std::string escaped;
  for (char c : path) {
    if (c == '\\' || c == ':' || c == ',') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

absl::Status EnterMountNamespace(const v1::ReplicaSpec& spec) {
  const std::string& ready = spec.mount_namespace_path();
  if (!ready.empty()) {
    base::Descriptor opened(open(ready.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened.valid() || setns(opened.get(), CLONE_NEWNS) != 0) {
      return base::ErrnoStatus(errno, "enter the mount namespace " + ready);
    }
  }
  if (unshare(CLONE_NEWNS) != 0) return base::ErrnoStatus(errno, "unshare the mount namespace");
  // Slave, not private: what the host unmounts must not live on here.
  if (mount("none", "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return base::ErrnoStatus(errno, "make / a slave mount");
  }
  const std::string& hidden = spec.hidden_mount_path();
  if (ready.empty() && !hidden.empty() && umount2(hidden.c_str(), MNT_DETACH) != 0) {
    return base::ErrnoStatus(errno, "unmount " + hidden);
  }
  return absl::OkStatus();
}

absl::Status MakeRootFilesystem(const v1::ReplicaSpec& spec) {
  const uint32_t owner = spec.uid_base();
  const std::string scratch = spec.directory() + "/scratch";
  const std::string work = scratch + "/work";
  const std::string root = spec.bundle_directory() + "/rootfs";
  RETURN_IF_ERROR(MakeDirectory(scratch, 0700, 0));
  RETURN_IF_ERROR(MakeDirectory(work, 0700, 0));
  RETURN_IF_ERROR(MakeDirectory(root, 0755, 0));
  RETURN_IF_ERROR(MakeDirectory(UpperOf(spec), 0755, owner));
  for (const v1::RootFile& file : spec.root_files()) {
    RETURN_IF_ERROR(WriteRootFile(UpperOf(spec), file, owner));
  }
  std::string layers;
  for (const std::string& layer : spec.layers()) {
    absl::StrAppend(&layers, layers.empty() ? "" : ":", EscapeLayer(layer));
  }
  // Volatile: the layer is thrown away after the job, so its fsyncs need not reach the disk.
  const std::string options =
      absl::StrCat("volatile,lowerdir=", layers, ",upperdir=", EscapeLayer(UpperOf(spec)),
                   ",workdir=", EscapeLayer(work));
  if (options.size() > kOptionBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("the image has too many layers: ", spec.layers_size()));
  }
  if (mount("overlay", root.c_str(), "overlay", MS_NODEV | MS_NOATIME, options.c_str()) != 0) {
    return base::ErrnoStatus(errno, "mount the root filesystem at " + root);
  }
  return absl::OkStatus();
}

std::string ReadStage(const v1::ReplicaSpec& spec) {
  const std::string fallback = "run";
  if (spec.stage_path().empty()) return fallback;
  base::Descriptor upper(open(UpperOf(spec).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                  .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  absl::string_view relative = absl::StripPrefix(spec.stage_path(), "/");
  base::Descriptor file(static_cast<int>(
      syscall(SYS_openat2, upper.get(), std::string(relative).c_str(), &how, sizeof(how))));
  struct stat info;
  if (!file.valid() || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return fallback;
  char buffer[kStageBytesMax];
  ssize_t count = read(file.get(), buffer, sizeof(buffer));
  std::string stage;
  for (ssize_t i = 0; i < count && absl::ascii_islower(buffer[i]); ++i) stage += buffer[i];
  return stage.empty() ? fallback : stage;
}

}  // namespace trainyard::runner
