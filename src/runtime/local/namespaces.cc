#include "runtime/local/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"

namespace trainyard::runtime {
namespace {

constexpr size_t kStackBytes = 64 << 10;
constexpr uint64_t kOne = 1;

// What the holder of a mount namespace does in it, and how that went.
struct HolderTask {
  const char* hidden = nullptr;
  int done = -1;  // an eventfd
  bool failed = false;
};

// The child shares our memory, so it must not touch any but what is meant for it. It waits to be
// killed.
#if defined(__clang__) || defined(__GNUC__)
__attribute__((no_sanitize("address", "undefined", "thread")))
#endif
int WaitForDeath(void* argument) {
  HolderTask& task = *static_cast<HolderTask*>(argument);
  if (task.hidden != nullptr) {
    long result = syscall(SYS_mount, "none", "/", nullptr, MS_REC | MS_SLAVE, nullptr);
    if (result == 0) result = syscall(SYS_umount2, task.hidden, MNT_DETACH);
    task.failed = result != 0;
    [[maybe_unused]] long written = syscall(SYS_write, task.done, &kOne, sizeof(kOne));
  }
  while (true) syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0);
}

// A process in new namespaces, for as long as this lives.
class Holder {
 public:
  static absl::StatusOr<std::unique_ptr<Holder>> Start(int namespaces, HolderTask* task) {
    auto holder = std::make_unique<Holder>();
    // Blocked in the child too: it must never run one of our signal handlers.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    holder->pid_ =
        clone(WaitForDeath, holder->stack_.get() + kStackBytes, CLONE_VM | namespaces, task);
    int error_number = errno;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (holder->pid_ < 0) return base::ErrnoStatus(error_number, "make namespaces");
    return holder;
  }

  ~Holder() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, __WALL) < 0 && errno == EINTR) {
    }
  }

  absl::Status Write(const char* file, const std::string& contents) const {
    const std::string path = absl::StrCat("/proc/", pid_, "/", file);
    base::Descriptor opened(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!opened.valid() || write(opened.get(), contents.data(), contents.size()) < 0) {
      return base::ErrnoStatus(errno, absl::StrCat("write \"", contents, "\" to ", path));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<base::Descriptor> Open(const char* name) const {
    const std::string path = absl::StrCat("/proc/", pid_, "/ns/", name);
    base::Descriptor opened(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened.valid()) return base::ErrnoStatus(errno, "open " + path);
    return opened;
  }

 private:
  std::unique_ptr<char[]> stack_ = std::make_unique<char[]>(kStackBytes);
  pid_t pid_ = 0;
};

}  // namespace

absl::StatusOr<NamespacePair> MakeNamespaces(uint32_t uid_base, uint32_t uid_count) {
  HolderTask nothing;
  ASSIGN_OR_RETURN(std::unique_ptr<Holder> holder,
                   Holder::Start(CLONE_NEWUSER | CLONE_NEWNET, &nothing));
  const std::string map = absl::StrCat("0 ", uid_base, " ", uid_count);
  RETURN_IF_ERROR(holder->Write("uid_map", map));
  RETURN_IF_ERROR(holder->Write("gid_map", map));
  NamespacePair pair;
  ASSIGN_OR_RETURN(pair.user, holder->Open("user"));
  ASSIGN_OR_RETURN(pair.network, holder->Open("net"));
  return pair;
}

absl::StatusOr<base::Descriptor> MakeMountNamespace(const std::string& hidden) {
  base::Descriptor done(eventfd(0, EFD_CLOEXEC));
  if (!done.valid()) return base::ErrnoStatus(errno, "eventfd");
  HolderTask task{.hidden = hidden.c_str(), .done = done.get()};
  ASSIGN_OR_RETURN(std::unique_ptr<Holder> holder, Holder::Start(CLONE_NEWNS, &task));
  eventfd_t count = 0;
  if (eventfd_read(done.get(), &count) != 0) return base::ErrnoStatus(errno, "await a namespace");
  if (task.failed) return absl::InternalError("cannot unmount " + hidden + " for jobs");
  return holder->Open("mnt");
}

absl::Status InNetwork(const base::Descriptor& network, absl::FunctionRef<absl::Status()> work) {
  base::Descriptor own(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!own.valid()) return base::ErrnoStatus(errno, "open our network namespace");
  if (setns(network.get(), CLONE_NEWNET) != 0) {
    return base::ErrnoStatus(errno, "enter a network namespace");
  }
  absl::Status status = work();
  // This thread must not go on in a job's network.
  CHECK(setns(own.get(), CLONE_NEWNET) == 0);
  return status;
}

std::string PathOf(const base::Descriptor& descriptor) {
  return absl::StrCat("/proc/", getpid(), "/fd/", descriptor.get());
}

}  // namespace trainyard::runtime
