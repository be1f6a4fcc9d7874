#include "cli/private_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/descriptor.h"
#include "base/status.h"

namespace trainyard::cli {
namespace {

// Where the new contents lie for a moment; covered for that long, in this namespace only.
constexpr char kStage[] = "/tmp";

absl::Status WriteFile(const std::string& path, absl::string_view contents, int flags) {
  const base::Descriptor file(open(path.c_str(), flags | O_WRONLY | O_CLOEXEC, 0644));
  if (!file.valid()) return base::ErrnoStatus(errno, absl::StrCat("open ", path));
  while (!contents.empty()) {
    const ssize_t written = write(file.get(), contents.data(), contents.size());
    if (written < 0) return base::ErrnoStatus(errno, absl::StrCat("write ", path));
    contents.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status EnterUserNamespace() {
  const uid_t user = geteuid();
  const gid_t group = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "this machine lets no unprivileged process have a mount namespace (",
        base::ErrnoStatus(errno, "unshare").message(),
        "); run as root, or allow it: sysctl -w user.max_user_namespaces=10000, on Ubuntu also "
        "kernel.apparmor_restrict_unprivileged_userns=0"));
  }
  RETURN_IF_ERROR(WriteFile("/proc/self/setgroups", "deny", 0));
  RETURN_IF_ERROR(WriteFile("/proc/self/uid_map", absl::StrCat(user, " ", user, " 1"), 0));
  return WriteFile("/proc/self/gid_map", absl::StrCat(group, " ", group, " 1"), 0);
}

absl::Status EnterMountNamespace() {
  if (unshare(CLONE_NEWNS) != 0) {
    if (errno != EPERM) return base::ErrnoStatus(errno, "unshare");
    RETURN_IF_ERROR(EnterUserNamespace());
  }
  // What is mounted outside later is seen; what is mounted here is not seen outside.
  if (mount("", "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return base::ErrnoStatus(errno, "make the mounts private");
  }
  return absl::OkStatus();
}

absl::Status Cover(const PrivateFile& file, const base::Descriptor& target,
                   const std::string& source) {
  RETURN_IF_ERROR(WriteFile(source, file.contents, O_CREAT));
  const std::string path = absl::StrCat("/proc/self/fd/", target.get());
  if (mount(source.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return base::ErrnoStatus(errno, absl::StrCat("mount over ", file.path));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status EnterPrivateMounts(const std::vector<PrivateFile>& files) {
  RETURN_IF_ERROR(EnterMountNamespace());
  std::vector<base::Descriptor> targets;  // opened first: one may lie where the stage is
  for (const PrivateFile& file : files) {
    targets.emplace_back(open(file.path.c_str(), O_PATH | O_CLOEXEC));
    if (!targets.back().valid()) return base::ErrnoStatus(errno, absl::StrCat("open ", file.path));
  }
  if (mount("tmpfs", kStage, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=16m") !=
      0) {
    return base::ErrnoStatus(errno, absl::StrCat("mount over ", kStage));
  }
  for (size_t i = 0; i < files.size(); ++i) {
    RETURN_IF_ERROR(Cover(files[i], targets[i], absl::StrCat(kStage, "/", i)));
  }
  if (umount2(kStage, MNT_DETACH) != 0) {
    return base::ErrnoStatus(errno, absl::StrCat("unmount ", kStage));
  }
  return absl::OkStatus();
}

}  // namespace trainyard::cli
