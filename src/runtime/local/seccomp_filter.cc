#include "runtime/local/seccomp_filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "base/descriptor.h"
#include "base/disk.h"
#include "base/status.h"

namespace trainyard::runtime {
namespace {

// By purpose. Absent on purpose: mounts, namespaces, modules, kexec, clocks, swap, quotas,
// keyrings, bpf, perf events, userfaultfd, io_uring, handles of files, accounting, reboot, raw I/O
// ports.
constexpr const char* kAllowed[] = {
    // Files and directories.
    "access",
    "chdir",
    "chmod",
    "chown",
    "close",
    "close_range",
    "copy_file_range",
    "creat",
    "dup",
    "dup2",
    "dup3",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fallocate",
    "fchdir",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "fchown",
    "fchownat",
    "fcntl",
    "fdatasync",
    "fgetxattr",
    "flistxattr",
    "flock",
    "fremovexattr",
    "fsetxattr",
    "fstat",
    "fstatfs",
    "fsync",
    "ftruncate",
    "futimesat",
    "getcwd",
    "getdents",
    "getdents64",
    "getxattr",
    "inotify_add_watch",
    "inotify_init",
    "inotify_init1",
    "inotify_rm_watch",
    "ioctl",
    "lchown",
    "lgetxattr",
    "link",
    "linkat",
    "listxattr",
    "llistxattr",
    "lremovexattr",
    "lseek",
    "lsetxattr",
    "lstat",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "name_to_handle_at",
    "newfstatat",
    "open",
    "openat",
    "openat2",
    "pipe",
    "pipe2",
    "pread64",
    "preadv",
    "preadv2",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "read",
    "readahead",
    "readlink",
    "readlinkat",
    "readv",
    "removexattr",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "sendfile",
    "setxattr",
    "splice",
    "stat",
    "statfs",
    "statx",
    "symlink",
    "symlinkat",
    "sync",
    "sync_file_range",
    "syncfs",
    "tee",
    "truncate",
    "umask",
    "unlink",
    "unlinkat",
    "utime",
    "utimensat",
    "utimes",
    "vmsplice",
    "write",
    "writev",
    // Memory.
    "brk",
    "get_mempolicy",
    "madvise",
    "map_shadow_stack",
    "mbind",
    "membarrier",
    "memfd_create",
    "memfd_secret",
    "mincore",
    "mlock",
    "mlock2",
    "mlockall",
    "mmap",
    "move_pages",
    "mprotect",
    "mremap",
    "mseal",
    "msync",
    "munlock",
    "munlockall",
    "munmap",
    "pkey_alloc",
    "pkey_free",
    "pkey_mprotect",
    "process_madvise",
    "process_mrelease",
    "remap_file_pages",
    "set_mempolicy",
    "set_mempolicy_home_node",
    // Processes, threads, signals, credentials.
    "arch_prctl",
    "capget",
    "capset",
    "chroot",
    "execve",
    "execveat",
    "exit",
    "exit_group",
    "fork",
    "futex",
    "futex_requeue",
    "futex_wait",
    "futex_waitv",
    "futex_wake",
    "get_robust_list",
    "get_thread_area",
    "getcpu",
    "getegid",
    "geteuid",
    "getgid",
    "getgroups",
    "getpgid",
    "getpgrp",
    "getpid",
    "getppid",
    "getpriority",
    "getresgid",
    "getresuid",
    "getrlimit",
    "getrusage",
    "getsid",
    "gettid",
    "getuid",
    "ioprio_get",
    "ioprio_set",
    "kcmp",
    "kill",
    "pause",
    "pidfd_getfd",
    "pidfd_open",
    "pidfd_send_signal",
    "prctl",
    "prlimit64",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigqueueinfo",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "rt_tgsigqueueinfo",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_getaffinity",
    "sched_getattr",
    "sched_getparam",
    "sched_getscheduler",
    "sched_rr_get_interval",
    "sched_setaffinity",
    "sched_setattr",
    "sched_setparam",
    "sched_setscheduler",
    "sched_yield",
    "seccomp",
    "set_robust_list",
    "set_thread_area",
    "set_tid_address",
    "setfsgid",
    "setfsuid",
    "setgid",
    "setgroups",
    "setpgid",
    "setpriority",
    "setregid",
    "setresgid",
    "setresuid",
    "setreuid",
    "setrlimit",
    "setsid",
    "setuid",
    "sigaltstack",
    "signalfd",
    "signalfd4",
    "tgkill",
    "tkill",
    "vfork",
    "wait4",
    "waitid",
    // Landlock: a program may shut itself in further.
    "landlock_add_rule",
    "landlock_create_ruleset",
    "landlock_restrict_self",
    // Network and local communication.
    "accept",
    "accept4",
    "bind",
    "connect",
    "getpeername",
    "getsockname",
    "getsockopt",
    "listen",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
    "socketpair",
    "mq_getsetattr",
    "mq_notify",
    "mq_open",
    "mq_timedreceive",
    "mq_timedsend",
    "mq_unlink",
    "msgctl",
    "msgget",
    "msgrcv",
    "msgsnd",
    "semctl",
    "semget",
    "semop",
    "semtimedop",
    "shmat",
    "shmctl",
    "shmdt",
    "shmget",
    // Waiting and time.
    "alarm",
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_ctl_old",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "epoll_wait_old",
    "eventfd",
    "eventfd2",
    "getitimer",
    "gettimeofday",
    "io_cancel",
    "io_destroy",
    "io_getevents",
    "io_pgetevents",
    "io_setup",
    "io_submit",
    "nanosleep",
    "poll",
    "ppoll",
    "pselect6",
    "select",
    "setitimer",
    "time",
    "timer_create",
    "timer_delete",
    "timer_getoverrun",
    "timer_gettime",
    "timer_settime",
    "timerfd_create",
    "timerfd_gettime",
    "timerfd_settime",
    "times",
    // The system's names and numbers.
    "getrandom",
    "sysinfo",
    "uname",
};

constexpr uint64_t kNamespaceFlags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                     CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;
// Of personality(2): the default, the query, no address randomisation (debuggers), both at once
// with the 2.6 version string.
constexpr uint64_t kPersonalities[] = {0x0, 0x8, 0x20000, 0x20008, 0x40000, 0xffffffff};

struct FilterCloser {
  void operator()(void* filter) const { seccomp_release(filter); }
};

class FilterBuilder {
 public:
  FilterBuilder() : filter_(seccomp_init(SCMP_ACT_ERRNO(EPERM))) {
    if (filter_ == nullptr) error_ = ENOMEM;
    // A tree over the call's number, not a list of hundreds of comparisons for each call.
    if (error_ == 0) Require(seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));
    if (error_ == 0)
      Require(seccomp_attr_set(filter_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
  }

  template <typename... Comparison>
  void Rule(uint32_t action, const char* name, Comparison... comparisons) {
    // A name that this libseccomp or this architecture does not have needs no rule.
    int number = seccomp_syscall_resolve_name(name);
    if (error_ != 0 || number < 0) return;
    Require(
        seccomp_rule_add(filter_.get(), action, number, sizeof...(comparisons), comparisons...));
  }

  absl::StatusOr<std::string> Export() {
    if (error_ != 0) return base::ErrnoStatus(error_, "build the seccomp filter");
    base::Descriptor file(memfd_create("seccomp", MFD_CLOEXEC));
    if (!file.valid()) return base::ErrnoStatus(errno, "memfd_create");
    Require(seccomp_export_bpf(filter_.get(), file.get()));
    if (error_ != 0) return base::ErrnoStatus(error_, "compile the seccomp filter");
    base::RealDisk disk;
    return disk.Read(absl::StrCat("/proc/self/fd/", file.get()));
  }

 private:
  void Require(int result) {
    if (result < 0) error_ = -result;
  }

  std::unique_ptr<void, FilterCloser> filter_;
  int error_ = 0;
};

}  // namespace

absl::StatusOr<std::string> CompileSeccompFilter() {
  FilterBuilder filter;
  for (const char* name : kAllowed) filter.Rule(SCMP_ACT_ALLOW, name);
  filter.Rule(SCMP_ACT_ALLOW, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, kNamespaceFlags, 0));
  // Its flags lie in memory, where a filter cannot look: libc falls back to clone.
  filter.Rule(SCMP_ACT_ERRNO(ENOSYS), "clone3");
  for (uint64_t personality : kPersonalities) {
    filter.Rule(SCMP_ACT_ALLOW, "personality", SCMP_A0(SCMP_CMP_EQ, personality));
  }
  // Sockets of virtual machines lead past the network namespace.
  filter.Rule(SCMP_ACT_ALLOW, "socket", SCMP_A0(SCMP_CMP_NE, AF_VSOCK));
  return filter.Export();
}

}  // namespace trainyard::runtime
