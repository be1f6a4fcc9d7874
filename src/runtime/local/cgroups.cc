#include "runtime/local/cgroups.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/status.h"

namespace trainyard::runtime {
namespace {

constexpr absl::Duration kKillTimeout = absl::Seconds(10);
constexpr int kPollMsMax = 50;
constexpr int kRemoveAttempts = 50;
constexpr char kRunnerSuffix[] = ".runner";

absl::Status WriteFile(const std::string& path, const std::string& contents) {
  base::Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return base::ErrnoStatus(errno, "open " + path);
  if (write(file.get(), contents.data(), contents.size()) < 0) {
    return base::ErrnoStatus(errno, absl::StrCat("write \"", contents, "\" to ", path));
  }
  return absl::OkStatus();
}

void Sleep(int ms) { poll(nullptr, 0, ms); }

class RealCgroups : public Cgroups {
 public:
  RealCgroups(base::Disk& disk, CgroupLayout layout) : disk_(disk), layout_(std::move(layout)) {}

  // Cgroups of replicas that run on keep their parents from being removed.
  ~RealCgroups() override {
    for (const std::string& hierarchy : layout_.hierarchies) {
      rmdir((hierarchy + layout_.prefix).c_str());
    }
  }

  const CgroupLayout& layout() const override { return layout_; }

  absl::Status Start() override {
    for (const std::string& path : layout_.setup_directories) {
      if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
        return base::ErrnoStatus(errno, "make the cgroup " + path);
      }
    }
    for (const auto& [from, to] : layout_.setup_moves) RETURN_IF_ERROR(Move(from, to));
    for (const auto& [path, contents] : layout_.setup_files) {
      RETURN_IF_ERROR(WriteFile(path, contents));
    }
    return absl::OkStatus();
  }

  absl::Status Create(const std::string& replica_id) override {
    const std::string path = CgroupsOf(layout_, replica_id).runner_directory;
    if (mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return absl::OkStatus();
    return base::ErrnoStatus(errno, "make the cgroup " + path);
  }

  absl::Status Kill(const std::string& replica_id) override {
    ReplicaCgroups cgroups = CgroupsOf(layout_, replica_id);
    base::RealClock clock;
    const absl::Duration due = clock.Monotonic() + kKillTimeout;
    for (int wait_ms = 1;; wait_ms = std::min(2 * wait_ms, kPollMsMax)) {
      ASSIGN_OR_RETURN(std::vector<pid_t> left, Processes(cgroups.runner_directory));
      ASSIGN_OR_RETURN(std::vector<pid_t> container, Processes(cgroups.kill_directory));
      left.insert(left.end(), container.begin(), container.end());
      if (left.empty()) return absl::OkStatus();
      RETURN_IF_ERROR(KillListed(cgroups.runner_directory));
      RETURN_IF_ERROR(KillListed(cgroups.kill_directory));
      if (clock.Monotonic() >= due) {
        return absl::DeadlineExceededError(
            absl::StrCat(left.size(), " processes of ", replica_id, " do not die"));
      }
      Sleep(wait_ms);
    }
  }

  absl::Status Remove(const std::string& replica_id) override {
    ReplicaCgroups cgroups = CgroupsOf(layout_, replica_id);
    for (const std::string& path : cgroups.directories) RETURN_IF_ERROR(RemoveOne(path));
    return RemoveOne(cgroups.runner_directory);
  }

  absl::StatusOr<std::vector<std::string>> List() override {
    std::set<std::string> replicas;
    for (const std::string& hierarchy : layout_.hierarchies) {
      const std::string parent = hierarchy + layout_.prefix;
      ASSIGN_OR_RETURN(std::vector<std::string> names, disk_.List(parent));
      for (const std::string& name : names) {
        struct stat info;
        if (stat(absl::StrCat(parent, "/", name).c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
          continue;
        }
        replicas.insert(std::string(absl::StripSuffix(name, kRunnerSuffix)));
      }
    }
    return std::vector<std::string>(replicas.begin(), replicas.end());
  }

 private:
  absl::Status Move(const std::string& from, const std::string& to) {
    ASSIGN_OR_RETURN(std::vector<pid_t> processes, Processes(from));
    for (pid_t pid : processes) {
      absl::Status status = WriteFile(to + "/cgroup.procs", absl::StrCat(pid));
      // It may have ended meanwhile.
      if (!status.ok() && kill(pid, 0) == 0) return status;
    }
    return absl::OkStatus();
  }

  // A pid may be another's by the time that it is signalled. So take hold of the processes first,
  // and kill those that the cgroup still lists.
  absl::Status KillListed(const std::string& directory) {
    ASSIGN_OR_RETURN(std::vector<pid_t> before, Processes(directory));
    std::map<pid_t, base::Descriptor> held;
    for (pid_t pid : before) {
      held[pid] = base::Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    }
    ASSIGN_OR_RETURN(std::vector<pid_t> after, Processes(directory));
    for (pid_t pid : after) {
      auto process = held.find(pid);
      if (process == held.end() || !process->second.valid()) continue;
      syscall(SYS_pidfd_send_signal, process->second.get(), SIGKILL, nullptr, 0);
    }
    return absl::OkStatus();
  }

  // Empty when the cgroup is not there.
  absl::StatusOr<std::vector<pid_t>> Processes(const std::string& directory) {
    absl::StatusOr<std::string> text = disk_.Read(directory + "/cgroup.procs");
    if (absl::IsNotFound(text.status())) return std::vector<pid_t>();
    if (!text.ok()) {
      // A read in a cgroup that is just being removed: ENODEV.
      struct stat info;
      if (stat(directory.c_str(), &info) != 0) return std::vector<pid_t>();
      return text.status();
    }
    std::vector<pid_t> processes;
    for (absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
      pid_t pid = 0;
      // 0: of another pid namespace; none that we could have started.
      if (absl::SimpleAtoi(line, &pid) && pid > 0) processes.push_back(pid);
    }
    return processes;
  }

  absl::Status RemoveOne(const std::string& path) {
    for (int attempt = 0; attempt < kRemoveAttempts; ++attempt) {
      if (rmdir(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
      if (errno != EBUSY) break;
      Sleep(2);  // the kernel has not let go of its last process yet
    }
    return base::ErrnoStatus(errno, "remove the cgroup " + path);
  }

  base::Disk& disk_;
  const CgroupLayout layout_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Cgroups>> CreateRealCgroups(base::Disk& disk,
                                                           const std::string& instance) {
  constexpr char kRoot[] = "/sys/fs/cgroup";
  CgroupFacts facts;
  ASSIGN_OR_RETURN(facts.mountinfo, disk.Read("/proc/self/mountinfo"));
  ASSIGN_OR_RETURN(facts.own_cgroups, disk.Read("/proc/self/cgroup"));
  for (const char* file : {"/cgroup.controllers", "/unified/cgroup.controllers"}) {
    facts.unified_controllers += disk.Read(absl::StrCat(kRoot, file)).value_or("");
  }
  facts.swap_is_counted =
      disk.Stat(absl::StrCat(kRoot, "/memory/memory.memsw.limit_in_bytes")).ok();
  facts.has_jobs_unit = disk.Stat(absl::StrCat(kRoot, "/system.slice/trainyard-jobs.service")).ok();
  ASSIGN_OR_RETURN(CgroupLayout layout, LayOutCgroups(facts, instance));
  return std::make_unique<RealCgroups>(disk, std::move(layout));
}

}  // namespace trainyard::runtime
