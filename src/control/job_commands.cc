#include "control/job_commands.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/job_controller.h"
#include "control/timestamp.h"
#include "control/transition.h"

namespace trainyard::control {
namespace {

absl::Status NoSuchJob(const std::string& name) {
  return absl::NotFoundError(absl::StrCat("CustomJob ", name, " does not exist."));
}

// A command whose answer is a T.
template <typename T>
class Answering : public Command {
 public:
  explicit Answering(Reply<T> reply) : reply_(std::move(reply)) {}
  void Succeed(const Batch&) override { reply_(std::move(answer_)); }
  void Fail(const absl::Status& status) override { reply_(status); }

 protected:
  absl::StatusOr<T> answer_ = absl::InternalError("no answer");
  Reply<T> reply_;
};

class CreateCommand final : public Answering<CustomJob> {
 public:
  CreateCommand(NewJob job, Reply<CustomJob> reply)
      : Answering(std::move(reply)), job_(std::move(job)) {}

  bool is_submission() const override { return true; }

  void Run(Batch& batch) override {
    const Moment& moment = batch.moment();
    // A clock that went back must not put the job before those that wait already.
    absl::Time created = std::max(moment.now, batch.jobs().LastCreated() + absl::Microseconds(1));
    CustomJobRecord record;
    *record.mutable_job() = std::move(job_.job);
    *record.mutable_status() = std::move(job_.status);
    CustomJob& job = *record.mutable_job();
    job.set_name(job_.name);
    job.set_state(v1::JOB_STATE_QUEUED);
    *job.mutable_create_time() = ToTimestamp(created);
    NoteStep(record, "created", created, batch.journal());
    std::string job_id = JobIdOf(record);
    batch.journal().Say(job_id, "Waiting for job to be provisioned.");
    for (const std::string& note : record.status().notes()) batch.journal().Say(job_id, note);
    sched::Need need{record.status().need().cpu_milli(), record.status().need().memory_bytes()};
    batch.Create(std::move(record));
    std::string why = sched::WhyNever(batch.jobs().machine(), need);
    if (why.empty()) return;
    batch.Change(job_.name,
                 [&](JobEdit& edit) { FoldRefusal(edit, why, moment, batch.journal()); });
  }

  void Succeed(const Batch& batch) override { reply_(batch.Touched(job_.name)->job()); }

 private:
  NewJob job_;
};

// Whether an ended job of this name is stored.
absl::Status CheckStored(store::Store& store, const std::string& name) {
  absl::Status status = store.Get(store::kCustomJobs, name).status();
  return absl::IsNotFound(status) ? NoSuchJob(name) : status;
}

class CancelCommand final : public Answering<bool> {
 public:
  CancelCommand(std::string name, store::Store& store, Reply<bool> reply)
      : Answering(std::move(reply)), name_(std::move(name)), store_(store) {}

  void Run(Batch& batch) override {
    answer_ = true;
    const LiveJob* job = batch.jobs().Find(name_);
    if (job != nullptr && !model::IsTerminal(job->state)) {
      batch.Change(name_,
                   [&](JobEdit& edit) { FoldCancel(edit, batch.moment(), batch.journal()); });
    } else if (batch.Touched(name_) == nullptr) {
      absl::Status stored = CheckStored(store_, name_);
      if (!stored.ok()) answer_ = stored;
    }
  }

 private:
  const std::string name_;
  store::Store& store_;
};

sched::Explanation ExplainUnqueued(v1::JobState state) {
  sched::Explanation explanation;
  if (model::IsTerminal(state)) {
    explanation.summary = absl::StrCat("The job has ended: ", v1::JobState_Name(state), ".");
  } else if (state == v1::JOB_STATE_PENDING) {
    explanation.summary = "The job has its place and is being prepared.";
  } else if (state == v1::JOB_STATE_CANCELLING) {
    explanation.summary = "The job is being cancelled.";
  } else {
    explanation.summary = "The job is running.";
  }
  return explanation;
}

class ExplainCommand final : public Answering<sched::Explanation> {
 public:
  ExplainCommand(std::string name, store::Store& store, Reply<sched::Explanation> reply)
      : Answering(std::move(reply)), name_(std::move(name)), store_(store) {}

  void Run(Batch& batch) override {
    const LiveJob* job = batch.jobs().Find(name_);
    if (job == nullptr) {
      answer_ = ExplainStored();
    } else if (job->state != v1::JOB_STATE_QUEUED) {
      answer_ = ExplainUnqueued(job->state);
    } else {
      absl::Time now = batch.moment().now;
      answer_ = sched::Explain(batch.jobs().SnapshotUpTo(*job, now), name_, now);
    }
  }

 private:
  absl::StatusOr<sched::Explanation> ExplainStored() {
    absl::StatusOr<store::Record> stored = store_.Get(store::kCustomJobs, name_);
    if (absl::IsNotFound(stored.status())) return NoSuchJob(name_);
    if (!stored.ok()) return stored.status();
    v1::JobState state = v1::JOB_STATE_UNSPECIFIED;
    v1::JobState_Parse(stored->state, &state);
    return ExplainUnqueued(state);
  }

  const std::string name_;
  store::Store& store_;
};

class StatusCommand final : public Answering<EngineStatus> {
 public:
  using Answering::Answering;

  void Run(Batch& batch) override {
    const LiveJobs& jobs = batch.jobs();
    answer_ = EngineStatus{.capacity = jobs.machine().capacity,
                           .free = jobs.FreeForPeople(),
                           .queued = static_cast<int64_t>(jobs.queued()),
                           .running = static_cast<int64_t>(jobs.CountRunning())};
  }
};

class ObservationCommand final : public Command {
 public:
  explicit ObservationCommand(Observation observation) : observation_(std::move(observation)) {}

  void Run(Batch& batch) override {
    std::string name = batch.jobs().JobOfReplica(observation_.replica_id);
    if (name.empty()) return;
    batch.Change(name, [&](JobEdit& edit) {
      FoldObservation(edit, observation_, batch.moment(), batch.journal());
    });
  }
  void Succeed(const Batch&) override {}
  void Fail(const absl::Status&) override {}
  bool must_happen() const override { return true; }

 private:
  const Observation observation_;
};

class DeadlineCommand final : public Command {
 public:
  DeadlineCommand(std::string name, absl::Time deadline)
      : name_(std::move(name)), deadline_(deadline) {}

  void Run(Batch& batch) override {
    const LiveJob* job = batch.jobs().Find(name_);
    if (job == nullptr || job->deadline != deadline_) return;
    batch.Change(name_,
                 [&](JobEdit& edit) { FoldDeadline(edit, batch.moment(), batch.journal()); });
  }
  void Succeed(const Batch&) override {}
  void Fail(const absl::Status&) override {}
  bool must_happen() const override { return true; }

 private:
  const std::string name_;
  const absl::Time deadline_;
};

class SettleCommand final : public Command {
 public:
  explicit SettleCommand(std::string name) : name_(std::move(name)) {}

  void Run(Batch& batch) override {
    batch.Change(name_, [&](JobEdit& edit) { Settle(edit, batch.moment(), batch.journal()); });
  }
  void Succeed(const Batch&) override {}
  void Fail(const absl::Status&) override {}
  bool must_happen() const override { return true; }

 private:
  const std::string name_;
};

}  // namespace

std::unique_ptr<Command> MakeCreateCommand(NewJob job, Reply<CustomJob> reply) {
  return std::make_unique<CreateCommand>(std::move(job), std::move(reply));
}

std::unique_ptr<Command> MakeCancelCommand(std::string name, store::Store& store,
                                           Reply<bool> reply) {
  return std::make_unique<CancelCommand>(std::move(name), store, std::move(reply));
}

std::unique_ptr<Command> MakeExplainCommand(std::string name, store::Store& store,
                                            Reply<sched::Explanation> reply) {
  return std::make_unique<ExplainCommand>(std::move(name), store, std::move(reply));
}

std::unique_ptr<Command> MakeStatusCommand(Reply<EngineStatus> reply) {
  return std::make_unique<StatusCommand>(std::move(reply));
}

std::unique_ptr<Command> MakeObservationCommand(Observation observation) {
  return std::make_unique<ObservationCommand>(std::move(observation));
}

std::unique_ptr<Command> MakeDeadlineCommand(std::string name, absl::Time deadline) {
  return std::make_unique<DeadlineCommand>(std::move(name), deadline);
}

std::unique_ptr<Command> MakeSettleCommand(std::string name) {
  return std::make_unique<SettleCommand>(std::move(name));
}

}  // namespace trainyard::control
