#include "control/engine_core.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"
#include "control/job_commands.h"
#include "control/job_controller.h"
#include "control/live_record.h"
#include "control/plan_applier.h"
#include "model/job_state.h"

namespace trainyard::control {
namespace {

using trainyard::store::v1::CustomJobRecord;

constexpr absl::Duration kRetryFirst = absl::Milliseconds(100);
constexpr absl::Duration kRetryMax = absl::Seconds(5);

size_t CountSubmissions(const std::deque<std::unique_ptr<Command>>& commands) {
  return static_cast<size_t>(
      std::count_if(commands.begin(), commands.end(),
                    [](const auto& command) { return command->is_submission(); }));
}

}  // namespace

EngineCore::EngineCore(Engine::Dependencies dependencies, EngineOptions options)
    : dependencies_(dependencies),
      options_(options),
      queue_(options.command_queue_max, options.gather_max),
      jobs_(options.machine) {}

Moment EngineCore::ReadClock() const {
  return {dependencies_.clock.Now(), dependencies_.clock.Monotonic()};
}

void EngineCore::Post(Step step) {
  dependencies_.executor.Post([weak = weak_from_this(), step] {
    if (auto core = weak.lock()) ((*core).*step)();
  });
}

void EngineCore::PostAfter(absl::Duration delay, Step step) {
  dependencies_.executor.PostAfter(delay, [weak = weak_from_this(), step] {
    if (auto core = weak.lock()) ((*core).*step)();
  });
}

absl::Status EngineCore::Start() {
  base::MutexLock lock(working_);
  RETURN_IF_ERROR(Load());
  RETURN_IF_ERROR(dependencies_.runtime.Start([weak = weak_from_this()](Observation observation) {
    if (auto core = weak.lock()) core->Submit(MakeObservationCommand(std::move(observation)));
  }));
  dependencies_.runtime.SetDesired(jobs_.DesiredSet());
  Process({});
  return absl::OkStatus();
}

absl::Status EngineCore::Load() {
  ASSIGN_OR_RETURN(std::vector<store::Record> records,
                   dependencies_.store.ListLive(store::kCustomJobs));
  for (const store::Record& record : records) {
    ASSIGN_OR_RETURN(LiveJob job, LiveFromStore(record, options_.machine, options_.stop_grace));
    job.position = jobs_.NextPosition();
    view_.Publish(job.name, job.bytes);
    KeepTimers(job);
    jobs_.Set(std::move(job));
  }
  return absl::OkStatus();
}

void EngineCore::Close() {
  {
    base::MutexLock lock(working_);
    closed_ = true;
  }
  queue_.Close(absl::UnavailableError("the server is stopping; try again"));
}

void EngineCore::Submit(std::unique_ptr<Command> command) {
  if (queue_.Push(std::move(command)) == CommandQueue::Wake::kNow) Post(&EngineCore::Come);
}

absl::StatusOr<CustomJob> EngineCore::GetCustomJob(const std::string& name) {
  std::shared_ptr<const std::string> bytes = view_.Find(name);
  if (bytes == nullptr) {
    absl::StatusOr<store::Record> stored = dependencies_.store.Get(store::kCustomJobs, name);
    if (absl::IsNotFound(stored.status())) {
      return absl::NotFoundError(absl::StrCat("CustomJob ", name, " does not exist."));
    }
    RETURN_IF_ERROR(stored.status());
    bytes = std::make_shared<const std::string>(std::move(stored->value));
  }
  CustomJobRecord record;
  if (!record.ParseFromString(*bytes)) {
    return absl::DataLossError(absl::StrCat("the record of ", name, " cannot be read"));
  }
  return std::move(*record.mutable_job());
}

void EngineCore::Come() {
  base::MutexLock lock(working_);
  if (!closed_) TakeCommands();
}

void EngineCore::Continue() {
  base::MutexLock lock(working_);
  plan_posted_ = false;
  if (!closed_) Process({});
}

void EngineCore::EndWait(uint64_t gathering) {
  base::MutexLock lock(working_);
  if (!closed_ && queue_.EndWait(gathering)) TakeCommands();
}

void EngineCore::TakeCommands() {
  CommandQueue::Taken taken = queue_.Take();
  if (taken.wait > absl::ZeroDuration()) {
    dependencies_.executor.PostAfter(taken.wait,
                                     [weak = weak_from_this(), gathering = taken.gathering] {
                                       if (auto core = weak.lock()) core->EndWait(gathering);
                                     });
    return;
  }
  Process(std::move(taken.commands));
}

// What must happen keeps its order: behind a failed commit it waits for that one's next try, which
// callers' commands need not.
void EngineCore::Process(Commands commands) {
  Moment moment = ReadClock();
  Commands now;
  bool retry = moment.monotonic >= retry_at_;
  if (retry) now.swap(backlog_);
  for (auto& command : commands) {
    (command->must_happen() && !retry ? backlog_ : now).push_back(std::move(command));
  }
  Batch batch(jobs_, moment, options_.stop_grace);
  for (const auto& command : now) command->Run(batch);
  Plan(batch);
  NoteWaiting(batch);
  Finish(batch, std::move(now));
}

// At once when there was no plan lately; else a little later, with whatever else has come by then.
void EngineCore::Plan(Batch& batch) {
  if (!CanPlan(jobs_)) return;
  absl::Duration now = batch.moment().monotonic;
  absl::Duration due = planned_at_ + options_.plan_debounce;
  if (now < due) {
    if (!plan_posted_) PostAfter(due - now, &EngineCore::Continue);
    plan_posted_ = true;
    return;
  }
  planned_at_ = now;
  PlanAll(batch);
}

void EngineCore::Finish(Batch& batch, Commands commands) {
  store::Transaction transaction = batch.Seal();
  if (!transaction.writes.empty() || !transaction.events.empty()) {
    absl::Duration begin = dependencies_.clock.Monotonic();
    absl::Status status = dependencies_.store.Commit(transaction).status();
    if (!status.ok()) return FailCommit(batch, std::move(commands), status);
    retry_delay_ = absl::ZeroDuration();
    retry_at_ = -absl::InfiniteDuration();
    TellWorld(batch);
    queue_.NoteCommit(CountSubmissions(commands), dependencies_.clock.Monotonic() - begin);
  } else {
    TellWorld(batch);
  }
  for (const auto& command : commands) command->Succeed(batch);
}

// The runtime first: a job's start waits for nothing else. The log before readers may see the new
// state: who sees a job ended finds its last line.
void EngineCore::TellWorld(Batch& batch) {
  if (batch.desired_changed()) dependencies_.runtime.SetDesired(jobs_.DesiredSet());
  for (const ServiceLine& line : batch.journal().lines) {
    dependencies_.log.Write(line.job_id, batch.moment().now, line.error, line.text);
  }
  for (const auto& [name, entry] : batch.entries()) {
    if (model::IsTerminal(entry.edit.live.state)) {
      view_.Remove(name);
      DropTimer(name);
    } else {
      view_.Publish(name, entry.edit.live.bytes);
      KeepTimers(entry.edit.live);
    }
  }
}

void EngineCore::FailCommit(Batch& batch, Commands commands, const absl::Status& status) {
  batch.Undo();
  if (retry_delay_ == absl::ZeroDuration()) {
    base::Log(base::Severity::kError, absl::StrCat("commit failed: ", status.ToString()));
  }
  Commands kept;
  for (auto& command : commands) {
    if (command->must_happen()) {
      kept.push_back(std::move(command));
    } else {
      command->Fail(status);
    }
  }
  for (auto& command : backlog_) kept.push_back(std::move(command));
  backlog_ = std::move(kept);
  retry_delay_ = std::clamp(retry_delay_ * 2, kRetryFirst, kRetryMax);
  retry_at_ = batch.moment().monotonic + retry_delay_;
  PostAfter(retry_delay_, &EngineCore::Continue);
}

// A deadline is watched by monotonic time, so that a jump of the wall clock ends no job early; only
// a restart has nothing but the wall clock to go by.
void EngineCore::KeepTimers(const LiveJob& job) {
  absl::Duration waits = job.not_before - dependencies_.clock.Monotonic();
  if (waits > absl::ZeroDuration() && job.AllGone()) {
    dependencies_.executor.PostAfter(waits, [weak = weak_from_this(), name = job.name] {
      if (auto core = weak.lock()) core->Submit(MakeSettleCommand(name));
    });
  }
  if (job.deadline == absl::InfiniteFuture() || timers_.contains(job.name)) return;
  absl::Duration left =
      std::clamp(job.deadline - dependencies_.clock.Now(), absl::ZeroDuration(), job.timeout);
  uint64_t timer = dependencies_.executor.PostAfter(
      left, [weak = weak_from_this(), name = job.name, deadline = job.deadline] {
        if (auto core = weak.lock()) core->Submit(MakeDeadlineCommand(name, deadline));
      });
  timers_.emplace(job.name, std::pair(job.deadline, timer));
}

void EngineCore::DropTimer(const std::string& name) {
  auto timer = timers_.find(name);
  if (timer == timers_.end()) return;
  dependencies_.executor.Cancel(timer->second.second);
  timers_.erase(timer);
}

}  // namespace trainyard::control
