#include "sim/watched_store.h"

#include <utility>

#include "model/job_state.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::sim {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

constexpr int kCommitsBetweenBugs = 5;

// Tells of a step from QUEUED to SUCCEEDED.
void FalsifyEvents(store::Transaction& transaction) {
  for (store::Event& event : transaction.events) {
    trainyard::store::v1::JobTransition step;
    if (!step.ParseFromString(event.value) || step.cause() != "PLACED") continue;
    step.set_state(v1::JOB_STATE_SUCCEEDED);
    event.value = step.SerializeAsString();
  }
}

// An ended job is live again.
void Resurrect(store::Transaction& transaction) {
  std::vector<store::Write> again;
  for (const store::Write& write : transaction.writes) {
    if (write.record.kind != store::kCustomJobs || write.record.live) continue;
    if (write.kind == store::Write::Kind::kDelete) continue;
    again.push_back(write);
    again.back().record.state = "JOB_STATE_RUNNING";
    again.back().record.live = true;
  }
  transaction.writes.insert(transaction.writes.end(), again.begin(), again.end());
}

}  // namespace

WatchedStore::WatchedStore(store::Store& store, std::function<store::CommitFault()> choose_fault,
                           std::function<absl::Status()> choose_read_fault,
                           std::vector<std::unique_ptr<Checker>>& checkers, Bug bug)
    : checkers_(checkers),
      bug_(bug),
      faulty_(
          store,
          [this, choose_fault = std::move(choose_fault)](const store::Transaction&) {
            fault_ = choose_fault();
            return fault_;
          },
          [choose = std::move(choose_read_fault)](absl::string_view) { return choose(); }) {}

store::Transaction WatchedStore::WithBug(store::Transaction transaction) {
  if (bug_ == Bug::kDropsEvents) transaction.events.clear();
  if (bug_ == Bug::kWritesAnotherState) FalsifyEvents(transaction);
  if (bug_ == Bug::kOverwritesAnEnd) Resurrect(transaction);
  return transaction;
}

absl::StatusOr<int64_t> WatchedStore::Commit(const store::Transaction& transaction) {
  ++commits_;
  if (bug_ == Bug::kForgetsACommit && commits_ % kCommitsBetweenBugs == 0) return revision() + 1;
  store::Transaction written = bug_ == Bug::kNone ? transaction : WithBug(transaction);
  absl::StatusOr<int64_t> revision = faulty_.Commit(written);
  if (revision.ok() || fault_.when == store::CommitFault::When::kAfter) {
    for (auto& checker : checkers_) checker->OnCommit(written);
  }
  return revision;
}

}  // namespace trainyard::sim
