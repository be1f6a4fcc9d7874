#include "runtime/local/runners.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status.h"
#include "runtime/local/replica_files.h"

namespace trainyard::runtime {
namespace {

// A runner that has its lock writes its identity at once.
constexpr int kIdentityAttempts = 200;
constexpr int kIdentityWaitMs = 1;
constexpr absl::Duration kKillTimeout = absl::Seconds(10);

absl::StatusOr<base::ProcessIdentity> ParseIdentity(const std::string& text) {
  std::vector<std::string> words = absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  base::ProcessIdentity identity;
  if (words.size() != 3 || !absl::SimpleAtoi(words[1], &identity.pid) ||
      !absl::SimpleAtoi(words[2], &identity.start_ticks)) {
    return absl::NotFoundError("no identity");
  }
  identity.boot_id = words[0];
  return identity;
}

// One thread that waits for new files in directories and for the end of processes.
class Watcher {
 public:
  Watcher()
      : epoll_(epoll_create1(EPOLL_CLOEXEC)),
        stop_(eventfd(0, EFD_CLOEXEC)),
        files_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
        executor_(std::make_unique<base::ThreadExecutor>("runners")) {
    CHECK(epoll_.valid() && stop_.valid() && files_.valid());
    Poll(stop_.get(), kStop);
    Poll(files_.get(), kFiles);
    executor_->Post([this] { Run(); });
  }

  ~Watcher() {
    CHECK(eventfd_write(stop_.get(), 1) == 0);
    executor_.reset();
  }

  void Add(const std::string& directory, const base::ProcessIdentity& runner, bool alive,
           std::function<void()> changed) EXCLUDES(mutex_) {
    auto shared = std::make_shared<std::function<void()>>(std::move(changed));
    bool ended = !alive;
    {
      base::MutexLock lock(mutex_);
      Watched watched;
      watched.number = next_++;
      watched.changed = shared;
      watched.files = inotify_add_watch(files_.get(), directory.c_str(), IN_MOVED_TO | IN_ONLYDIR);
      watched.process.Reset(static_cast<int>(syscall(SYS_pidfd_open, runner.pid, 0)));
      if (watched.process.valid() && alive) {
        by_number_[watched.number] = directory;
        Poll(watched.process.get(), watched.number);
      } else {
        ended = true;
      }
      if (watched.files >= 0) by_files_[watched.files] = directory;
      watched_[directory] = std::move(watched);
    }
    // What came before the watch.
    if (ended || HasRecord(directory)) (*shared)();
  }

  void Remove(const std::string& directory) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    auto entry = watched_.find(directory);
    if (entry == watched_.end()) return;
    by_number_.erase(entry->second.number);
    if (entry->second.files >= 0) {
      by_files_.erase(entry->second.files);
      inotify_rm_watch(files_.get(), entry->second.files);
    }
    watched_.erase(entry);
  }

 private:
  static constexpr uint64_t kStop = 0, kFiles = 1, kFirstNumber = 2;

  struct Watched {
    uint64_t number = 0;
    int files = -1;  // inotify's
    base::Descriptor process;
    std::shared_ptr<std::function<void()>> changed;
  };

  static bool HasRecord(const std::string& directory) {
    ReplicaFiles files{directory};
    return access(files.started().c_str(), F_OK) == 0 || access(files.exit().c_str(), F_OK) == 0;
  }

  void Poll(int descriptor, uint64_t number) {
    epoll_event event = {.events = EPOLLIN, .data = {.u64 = number}};
    CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0);
  }

  void Run() {
    while (true) {
      epoll_event events[64];
      int count = epoll_wait(epoll_.get(), events, 64, -1);
      for (int i = 0; i < count; ++i) {
        uint64_t number = events[i].data.u64;
        if (number == kStop) return;
        if (number == kFiles) {
          TakeFileEvents();
        } else {
          TakeEnd(number);
        }
      }
    }
  }

  void TakeEnd(uint64_t number) EXCLUDES(mutex_) {
    std::shared_ptr<std::function<void()>> changed;
    {
      base::MutexLock lock(mutex_);
      auto entry = by_number_.find(number);
      if (entry == by_number_.end()) return;
      Watched& watched = watched_.at(entry->second);
      changed = watched.changed;
      watched.process.Reset();
      by_number_.erase(entry);
    }
    (*changed)();
  }

  void TakeFileEvents() EXCLUDES(mutex_) {
    alignas(inotify_event) char buffer[16 << 10];
    ssize_t size;
    while ((size = read(files_.get(), buffer, sizeof(buffer))) > 0) {
      for (ssize_t place = 0; place < size;) {
        inotify_event event;
        memcpy(&event, buffer + place, sizeof(event));
        place += static_cast<ssize_t>(sizeof(event) + event.len);
        if (event.mask & IN_Q_OVERFLOW) {
          TellAll();
        } else {
          Tell(event.wd);
        }
      }
    }
  }

  void Tell(int files) EXCLUDES(mutex_) {
    std::shared_ptr<std::function<void()>> changed;
    {
      base::MutexLock lock(mutex_);
      auto entry = by_files_.find(files);
      if (entry == by_files_.end()) return;
      changed = watched_.at(entry->second).changed;
    }
    (*changed)();
  }

  void TellAll() EXCLUDES(mutex_) {
    std::vector<std::shared_ptr<std::function<void()>>> all;
    {
      base::MutexLock lock(mutex_);
      for (const auto& [directory, watched] : watched_) all.push_back(watched.changed);
    }
    for (const auto& changed : all) (*changed)();
  }

  const base::Descriptor epoll_, stop_, files_;
  base::Mutex mutex_;
  uint64_t next_ GUARDED_BY(mutex_) = kFirstNumber;
  std::map<std::string, Watched> watched_ GUARDED_BY(mutex_);     // by directory
  std::map<uint64_t, std::string> by_number_ GUARDED_BY(mutex_);  // live processes
  std::map<int, std::string> by_files_ GUARDED_BY(mutex_);
  std::unique_ptr<base::ThreadExecutor> executor_;
};

class RealRunners : public Runners {
 public:
  RealRunners(base::Processes& processes, base::Disk& disk, std::string runner_path)
      : processes_(processes), disk_(disk), runner_path_(std::move(runner_path)) {}

  absl::StatusOr<base::ProcessIdentity> Start(const std::string& directory) override {
    base::Command command;
    command.argv = {runner_path_, directory};
    command.output_path = ReplicaFiles{directory}.runner_log();
    return processes_.Start(command);
  }

  absl::StatusOr<Found> Find(const std::string& directory) override {
    const std::string path = ReplicaFiles{directory}.lock();
    base::Descriptor lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock.valid()) return base::ErrnoStatus(errno, "open " + path);
    for (int attempt = 0; attempt < kIdentityAttempts; ++attempt) {
      bool is_free = flock(lock.get(), LOCK_EX | LOCK_NB) == 0;
      ASSIGN_OR_RETURN(std::string text, disk_.Read(path));
      if (is_free && text.empty()) {
        // A runner on its way sees that somebody was here before it.
        if (write(lock.get(), "void\n", 5) != 5) return base::ErrnoStatus(errno, "write " + path);
        return Found{Found::State::kNeverRan, {}};
      }
      absl::StatusOr<base::ProcessIdentity> runner = ParseIdentity(text);
      if (is_free) {
        return runner.ok() ? Found{Found::State::kEnded, *runner}
                           : Found{Found::State::kNeverRan, {}};
      }
      if (runner.ok() && processes_.IsAlive(*runner)) return Found{Found::State::kRuns, *runner};
      poll(nullptr, 0, kIdentityWaitMs);
    }
    return absl::UnavailableError(path + " is held, but not by a runner");
  }

  void Watch(const std::string& directory, const base::ProcessIdentity& runner,
             std::function<void()> changed) override {
    watcher_.Add(directory, runner, processes_.IsAlive(runner), std::move(changed));
  }

  void Unwatch(const std::string& directory) override { watcher_.Remove(directory); }

  bool IsAlive(const base::ProcessIdentity& runner) override { return processes_.IsAlive(runner); }

  absl::Status Kill(const std::string& directory) override {
    if (access(directory.c_str(), F_OK) != 0) return absl::OkStatus();
    base::RealClock clock;
    const absl::Duration due = clock.Monotonic() + kKillTimeout;
    while (clock.Monotonic() < due) {
      absl::StatusOr<Found> found = Find(directory);
      if (found.ok() && found->state != Found::State::kRuns) return absl::OkStatus();
      if (found.ok()) RETURN_IF_ERROR(processes_.Signal(found->runner, SIGKILL));
      poll(nullptr, 0, 1);
    }
    return absl::DeadlineExceededError("the runner in " + directory + " does not die");
  }

  absl::Status Signal(const base::ProcessIdentity& runner, int signal) override {
    return processes_.Signal(runner, signal);
  }

 private:
  base::Processes& processes_;
  base::Disk& disk_;
  const std::string runner_path_;
  Watcher watcher_;
};

}  // namespace

std::unique_ptr<Runners> CreateRealRunners(base::Processes& processes, base::Disk& disk,
                                           std::string runner_path) {
  return std::make_unique<RealRunners>(processes, disk, std::move(runner_path));
}

}  // namespace trainyard::runtime
