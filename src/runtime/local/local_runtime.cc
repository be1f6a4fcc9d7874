#include "runtime/local/local_runtime.h"

#include <signal.h>

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status.h"

namespace trainyard::runtime {
namespace {

using control::DesiredReplica;
using control::Observation;
using trainyard::runner::v1::ExitRecord;
using trainyard::runner::v1::ReplicaSpec;
using trainyard::runner::v1::StartRecord;

constexpr absl::Duration kBusyDelay = absl::Milliseconds(20);
constexpr absl::Duration kRetryDelay = absl::Seconds(1);
// A shell's codes for "found, but no program" and "not found": the job's fault, not ours.
constexpr int kExitCannotExecute = 126;
constexpr int kExitNotFound = 127;

enum class Phase {
  kWaiting,   // an earlier attempt may still be alive
  kImage,     // its image is being made
  kStarting,  // the steps are at work
  kAdopted,   // found in its directory; control has not named it yet
  kFinding,   // named; its runner is being looked for
  kRunning,   // its runner runs, or did a moment ago
  kEnding,    // everything but its records is being removed
  kEnded,     // only its records are left
  kRemoving,  // these too
};

struct Replica {
  Phase phase = Phase::kWaiting;
  std::shared_ptr<ReplicaContext> context;
  bool dropped = false;  // control does not want it any more
  bool stop_sent = false;
  bool running_reported = false;
  bool again = false;               // after its end it is started as if new
  std::optional<Observation> last;  // to be reported once everything but the records is removed
};

// Of a replica that can have no process.
bool IsOver(const Replica& replica) {
  return replica.phase == Phase::kEnded || replica.phase == Phase::kRemoving;
}

bool IsSafeName(const std::string& name) {
  if (name.empty() || name[0] == '.') return false;
  for (char c : name) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '_' && c != '.') return false;
  }
  return true;
}

// All methods run on the executor, but for Start and what says otherwise.
class Core : public std::enable_shared_from_this<Core> {
 public:
  explicit Core(LocalParts parts) : parts_(std::move(parts)) {}

  // Before anything else, on the caller's thread.
  absl::Status Start(absl::AnyInvocable<void(Observation)> observe) {
    observe_ = std::move(observe);
    RETURN_IF_ERROR(parts_.tools.disk.MakeDirectories(parts_.replicas_directory, 0700));
    RETURN_IF_ERROR(parts_.tools.cgroups.Start());
    ASSIGN_OR_RETURN(std::vector<std::string> names,
                     parts_.tools.disk.List(parts_.replicas_directory));
    std::vector<Network> in_use;
    for (const std::string& name : names) {
      Replica& replica = replicas_[name];
      replica.phase = Phase::kAdopted;
      replica.context = NewContext(name);
      ReplicaSpec spec;
      std::string bytes = parts_.tools.disk.Read(replica.context->files.spec()).value_or("");
      if (!spec.ParseFromString(bytes)) continue;
      replica.context->network.name = spec.network_name();
      replica.context->network.address = spec.network_address();
      in_use.push_back(replica.context->network);
    }
    RETURN_IF_ERROR(RemoveStrayCgroups());
    return parts_.tools.networks.Start(in_use);
  }

  void Apply(std::vector<DesiredReplica> desired) {
    std::set<std::string> named;
    for (DesiredReplica& replica : desired) {
      named.insert(replica.replica_id);
      Want(std::move(replica));
    }
    std::vector<std::string> unnamed;
    for (const auto& [id, replica] : replicas_) {
      if (!named.contains(id) && !replica.dropped) unnamed.push_back(id);
    }
    for (const std::string& id : unnamed) Drop(id);
  }

  absl::Status CheckImage(const std::string& image_uri) {  // Threads: any.
    return parts_.tools.images.Check(image_uri);
  }

  // After this nothing new is posted anywhere. Threads: any.
  void Close() EXCLUDES(closing_) {
    base::MutexLock lock(closing_);
    closed_ = true;
  }

  // Threads: any.
  void Post(base::Task task) EXCLUDES(closing_) {
    base::MutexLock lock(closing_);
    if (!closed_) parts_.executor.Post(std::move(task));
  }

 private:
  void PostAfter(absl::Duration delay, base::Task task) EXCLUDES(closing_) {
    base::MutexLock lock(closing_);
    if (!closed_) parts_.executor.PostAfter(delay, std::move(task));
  }

  bool RunBlocking(base::Task task) EXCLUDES(closing_) {
    base::MutexLock lock(closing_);
    return closed_ || parts_.run_blocking(std::move(task));
  }

  std::shared_ptr<ReplicaContext> NewContext(const std::string& id) const {
    auto context = std::make_shared<ReplicaContext>();
    context->desired.replica_id = id;
    context->files.directory = absl::StrCat(parts_.replicas_directory, "/", id);
    return context;
  }

  Replica* Find(const std::string& id) {
    auto entry = replicas_.find(id);
    return entry == replicas_.end() ? nullptr : &entry->second;
  }

  // Cgroups whose directory is gone: a server that died between the two.
  absl::Status RemoveStrayCgroups() {
    ASSIGN_OR_RETURN(std::vector<std::string> ids, parts_.tools.cgroups.List());
    for (const std::string& id : ids) {
      if (replicas_.contains(id)) continue;
      RETURN_IF_ERROR(parts_.tools.cgroups.Kill(id));
      RETURN_IF_ERROR(parts_.tools.cgroups.Remove(id));
    }
    return absl::OkStatus();
  }

  void Observe(Observation observation) { observe_(std::move(observation)); }

  Observation Now(Observation::Kind kind, const std::string& id) const {
    Observation observation;
    observation.kind = kind;
    observation.replica_id = id;
    observation.time = parts_.clock.Now();
    return observation;
  }

  Observation Failed(const std::string& id, absl::Status failure) const {
    Observation observation = Now(Observation::Kind::kFailed, id);
    observation.failure = std::move(failure);
    return observation;
  }

  // Runs `work` where it may block, then `then` here, unless the replica is gone by then.
  template <typename Result>
  void Blocking(const std::string& id, std::function<Result(StepTools&, ReplicaContext&)> work,
                void (Core::*then)(const std::string&, Result)) {
    Replica* replica = Find(id);
    if (replica == nullptr) return;
    auto self = shared_from_this();
    base::Task task = [self, id, context = replica->context, work, then] {
      auto result = std::make_shared<Result>(work(self->parts_.tools, *context));
      self->Post([self, id, then, result] {
        if (self->Find(id) != nullptr) ((*self).*then)(id, std::move(*result));
      });
    };
    if (RunBlocking(std::move(task))) return;
    PostAfter(kBusyDelay,
              [self, id, work, then] { self->template Blocking<Result>(id, work, then); });
  }

  void Later(const std::string& id, void (Core::*what)(const std::string&)) {
    PostAfter(kRetryDelay, [self = shared_from_this(), id, what] {
      if (self->Find(id) != nullptr) ((*self).*what)(id);
    });
  }

  void Want(DesiredReplica desired) {
    const std::string id = desired.replica_id;
    Replica* replica = Find(id);
    if (replica == nullptr) return Begin(std::move(desired));
    if (replica->dropped) return;
    const bool stop = desired.stop;
    if (replica->phase == Phase::kAdopted) {
      replica->context->desired = std::move(desired);
      FindRunner(id);
    }
    if (stop) Stop(id);
  }

  void Begin(DesiredReplica desired) {
    const std::string id = desired.replica_id;
    if (!IsSafeName(id) || !IsSafeName(desired.job_id) || !IsSafeName(desired.task_name)) {
      return Observe(Failed(id, absl::InvalidArgumentError("not a replica's name: " + id)));
    }
    const bool stop = desired.stop;
    Replica& replica = replicas_[id];
    replica.context = NewContext(id);
    replica.context->desired = std::move(desired);
    if (stop) {
      Stop(id);
    } else {
      Prepare(id);
    }
  }

  // No replica runs twice: the attempt before must be seen dead.
  bool IsBlocked(const Replica& replica) const {
    const DesiredReplica& own = replica.context->desired;
    for (const auto& [id, other] : replicas_) {
      if (&other == &replica || IsOver(other)) continue;
      // Of an adopted replica that control has not named yet, only the id is known.
      const DesiredReplica& desired = other.context->desired;
      if (desired.job_id.empty()
              ? id.substr(0, id.find('-')) == own.job_id
              : desired.job_id == own.job_id && desired.task_name == own.task_name) {
        return true;
      }
    }
    return false;
  }

  void WakeWaiting() {
    std::vector<std::string> waiting;
    for (const auto& [id, replica] : replicas_) {
      if (replica.phase == Phase::kWaiting) waiting.push_back(id);
    }
    for (const std::string& id : waiting) Prepare(id);
  }

  void Prepare(const std::string& id) {
    Replica* replica = Find(id);
    if (replica == nullptr || replica->phase != Phase::kWaiting || IsBlocked(*replica)) return;
    const auto& pool = replica->context->desired.pool;
    const std::string image_uri = pool.has_python_package_spec()
                                      ? pool.python_package_spec().executor_image_uri()
                                      : pool.container_spec().image_uri();
    absl::StatusOr<PreparedImage> image = parts_.tools.images.FindPrepared(image_uri);
    if (image.ok()) {
      replica->context->image = *std::move(image);
      return Launch(id);
    }
    replica->phase = Phase::kImage;
    auto line = parts_.job_line;
    Blocking<absl::StatusOr<PreparedImage>>(
        id,
        [image_uri, line](StepTools& tools, ReplicaContext& context) {
          return tools.images.Prepare(image_uri, [&](const std::string& text) {
            if (line != nullptr) line(context.desired.job_id, text);
          });
        },
        &Core::ImageDone);
  }

  void ImageDone(const std::string& id, absl::StatusOr<PreparedImage> image) {
    Replica* replica = Find(id);
    if (replica->phase != Phase::kImage) return;  // stopped meanwhile
    if (!image.ok()) {
      replica->phase = Phase::kEnded;
      Observe(Failed(id, image.status()));
      return WakeWaiting();
    }
    replica->context->image = *std::move(image);
    Launch(id);
  }

  void Launch(const std::string& id) {
    Find(id)->phase = Phase::kStarting;
    Blocking<absl::Status>(id, DoSteps, &Core::Launched);
  }

  void Launched(const std::string& id, absl::Status status) {
    Replica* replica = Find(id);
    replica->phase = Phase::kRunning;
    if (!status.ok()) return End(id, Failed(id, status));
    if (replica->dropped) return End(id, std::nullopt);
    Watch(id);
    if (replica->context->desired.stop) SendStop(id);
  }

  void Watch(const std::string& id) {
    const ReplicaContext& context = *Find(id)->context;
    std::weak_ptr<Core> weak = weak_from_this();
    parts_.tools.runners.Watch(context.files.directory, context.runner, [weak, id] {
      auto self = weak.lock();
      if (self != nullptr) self->Post([self, id] { self->Changed(id); });
    });
  }

  void FindRunner(const std::string& id) {
    Find(id)->phase = Phase::kFinding;
    Blocking<absl::StatusOr<Runners::Found>>(
        id,
        [](StepTools& tools, ReplicaContext& context) {
          return tools.runners.Find(context.files.directory);
        },
        &Core::RunnerFound);
  }

  void RunnerFound(const std::string& id, absl::StatusOr<Runners::Found> found) {
    Replica* replica = Find(id);
    if (!found.ok()) {
      base::Log(base::Severity::kWarning,
                absl::StrCat("replica ", id, ": ", found.status().message()));
      return Later(id, &Core::FindRunner);
    }
    replica->phase = Phase::kRunning;
    replica->context->runner = found->runner;
    if (replica->dropped) return End(id, std::nullopt);
    if (found->state == Runners::Found::State::kNeverRan && !HasExit(id)) {
      // The server before died while it prepared this one. It never ran, so it may now.
      replica->again = true;
      return End(id, std::nullopt);
    }
    if (found->state == Runners::Found::State::kRuns) Watch(id);
    if (replica->context->desired.stop) SendStop(id);
    Changed(id);
  }

  bool HasExit(const std::string& id) {
    return parts_.tools.disk.Stat(Find(id)->context->files.exit()).ok();
  }

  // A record may have appeared, the runner may have ended.
  void Changed(const std::string& id) {
    Replica* replica = Find(id);
    if (replica == nullptr || replica->phase != Phase::kRunning) return;
    const ReplicaContext& context = *replica->context;
    // In this order: a runner writes its record, then ends.
    const bool alive = parts_.tools.runners.IsAlive(context.runner);
    ExitRecord exit;
    absl::StatusOr<std::string> bytes = parts_.tools.disk.Read(context.files.exit());
    if (bytes.ok() && exit.ParseFromString(*bytes)) {
      ReportRunning(id, exit.started_unix_us());
      return Exited(id, exit);
    }
    StartRecord start;
    bytes = parts_.tools.disk.Read(context.files.started());
    if (bytes.ok() && start.ParseFromString(*bytes)) ReportRunning(id, start.started_unix_us());
    if (alive) return;
    base::Log(base::Severity::kWarning,
              absl::StrCat("replica ", id, " has lost its runner. ",
                           parts_.tools.disk.Read(context.files.runner_log()).value_or("")));
    End(id, Now(Observation::Kind::kLost, id));
  }

  void ReportRunning(const std::string& id, int64_t started_unix_us) {
    Replica* replica = Find(id);
    if (replica->running_reported || started_unix_us == 0) return;
    replica->running_reported = true;
    Observation observation = Now(Observation::Kind::kRunning, id);
    observation.time = absl::FromUnixMicros(started_unix_us);
    Observe(std::move(observation));
  }

  void Exited(const std::string& id, const ExitRecord& exit) {
    if (!exit.start_error().empty()) {
      const bool is_theirs =
          exit.exit_code() == kExitNotFound || exit.exit_code() == kExitCannotExecute;
      return End(id, Failed(id, absl::Status(is_theirs ? absl::StatusCode::kInvalidArgument
                                                       : absl::StatusCode::kUnavailable,
                                             exit.start_error())));
    }
    Observation observation = Now(Observation::Kind::kExited, id);
    observation.time = absl::FromUnixMicros(exit.ended_unix_us());
    observation.exit = exit;
    Observe(std::move(observation));
    End(id, std::nullopt);
  }

  void Stop(const std::string& id) {
    Replica* replica = Find(id);
    replica->context->desired.stop = true;
    if (replica->phase == Phase::kWaiting || replica->phase == Phase::kImage) {
      replica->phase = Phase::kEnded;
      Observe(Failed(id, absl::CancelledError("stopped before it started")));
      return WakeWaiting();
    }
    if (replica->phase == Phase::kRunning) SendStop(id);
  }

  void SendStop(const std::string& id) {
    Replica* replica = Find(id);
    if (replica->stop_sent) return;
    absl::Status status = parts_.tools.runners.Signal(replica->context->runner, SIGTERM);
    replica->stop_sent = status.ok();
    if (status.ok()) return;
    base::Log(base::Severity::kWarning, absl::StrCat("stop ", id, ": ", status.message()));
    Later(id, &Core::SendStopIfRunning);
  }

  void SendStopIfRunning(const std::string& id) {
    if (Find(id)->phase == Phase::kRunning) SendStop(id);
  }

  void Drop(const std::string& id) {
    Replica* replica = Find(id);
    replica->dropped = true;
    switch (replica->phase) {
      case Phase::kWaiting:
      case Phase::kImage:
        replica->phase = Phase::kEnded;
        [[fallthrough]];
      case Phase::kEnded:
        return Remove(id);
      case Phase::kAdopted:
      case Phase::kRunning:
        return End(id, std::nullopt);
      case Phase::kStarting:
      case Phase::kFinding:
      case Phase::kEnding:
      case Phase::kRemoving:
        return;  // its turn comes when the work under way is done
    }
  }

  // Removes everything but the records, then reports `last`.
  void End(const std::string& id, std::optional<Observation> last) {
    Replica* replica = Find(id);
    replica->phase = Phase::kEnding;
    replica->last = std::move(last);
    Undo(id);
  }

  void Undo(const std::string& id) { Blocking<absl::Status>(id, UndoSteps, &Core::Undone); }

  void Undone(const std::string& id, absl::Status status) {
    Replica* replica = Find(id);
    if (!status.ok()) {
      base::Log(base::Severity::kWarning, absl::StrCat("replica ", id, ": ", status.message()));
      return Later(id, &Core::Undo);
    }
    replica->phase = Phase::kEnded;
    if (replica->last.has_value()) Observe(*std::exchange(replica->last, std::nullopt));
    // Observers only post: the replica is still here.
    if (replica->dropped || replica->again) return Remove(id);
    WakeWaiting();
  }

  void Remove(const std::string& id) {
    Find(id)->phase = Phase::kRemoving;
    Blocking<absl::Status>(id, UndoDirectory, &Core::Removed);
  }

  void Removed(const std::string& id, absl::Status status) {
    Replica* replica = Find(id);
    if (!status.ok()) {
      base::Log(base::Severity::kWarning, absl::StrCat("replica ", id, ": ", status.message()));
      return Later(id, &Core::Remove);
    }
    const bool dropped = replica->dropped;
    DesiredReplica desired = replica->context->desired;
    replicas_.erase(id);
    if (dropped) {
      Observe(Now(Observation::Kind::kGone, id));
    } else {
      Begin(std::move(desired));
    }
    WakeWaiting();
  }

  LocalParts parts_;
  absl::AnyInvocable<void(Observation)> observe_;
  std::map<std::string, Replica> replicas_;
  base::Mutex closing_;
  bool closed_ GUARDED_BY(closing_) = false;
};

class LocalRuntime : public control::Runtime {
 public:
  explicit LocalRuntime(LocalParts parts) : core_(std::make_shared<Core>(std::move(parts))) {}
  ~LocalRuntime() override { core_->Close(); }

  absl::Status Start(absl::AnyInvocable<void(Observation)> observe) override {
    return core_->Start(std::move(observe));
  }
  void SetDesired(std::vector<DesiredReplica> replicas) override {
    core_->Post([core = core_, replicas = std::move(replicas)]() mutable {
      core->Apply(std::move(replicas));
    });
  }
  absl::Status CheckImage(const std::string& image_uri) override {
    return core_->CheckImage(image_uri);
  }

 private:
  const std::shared_ptr<Core> core_;
};

}  // namespace

std::unique_ptr<control::Runtime> CreateLocalRuntime(LocalParts parts) {
  return std::make_unique<LocalRuntime>(std::move(parts));
}

}  // namespace trainyard::runtime
