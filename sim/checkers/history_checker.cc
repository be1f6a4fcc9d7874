#include "absl/strings/str_cat.h"
#include "control/job_history.h"
#include "sim/checkers/checkers.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::sim {
namespace {

constexpr int kEventsPerRead = 1000;

class HistoryChecker final : public Checker {
 public:
  using Checker::Checker;

  void OnRest(store::Store& store) override {
    control::JobHistory history;
    int64_t sequence = 0;
    while (true) {
      absl::StatusOr<std::vector<store::Row>> rows = store.ReadEvents(sequence, kEventsPerRead);
      if (!rows.ok()) return Fail(absl::StrCat("event log: ", rows.status().ToString()));
      if (rows->empty()) break;
      for (const store::Row& row : *rows) {
        absl::Status applied = history.Apply(row.event);
        if (!applied.ok()) return Fail(absl::StrCat("event log: ", applied.ToString()));
        sequence = row.sequence;
      }
    }
    Compare(history, store);
  }
  void OnEnd(store::Store& store, size_t) override { OnRest(store); }

 private:
  void Compare(const control::JobHistory& history, store::Store& store) {
    for (const auto& [name, step] : history.jobs()) {
      absl::StatusOr<store::Record> stored = store.Get(store::kCustomJobs, name);
      trainyard::store::v1::CustomJobRecord record;
      if (!stored.ok() || !record.ParseFromString(stored->value)) {
        Fail(absl::StrCat("the log tells of ", name, ", which is not stored"));
        continue;
      }
      std::string difference = control::DifferenceOf(step, record);
      if (!difference.empty()) Fail(absl::StrCat("replay differs: ", difference));
      std::string state = google::cloud::aiplatform::v1::JobState_Name(record.job().state());
      if (state != stored->state) {
        Fail(absl::StrCat(name, ": the state column is ", stored->state, ", the record's ", state));
      }
    }
    CheckKnown(history, store);
  }

  void CheckKnown(const control::JobHistory& history, store::Store& store) {
    absl::StatusOr<std::vector<store::Record>> live = store.ListLive(store::kCustomJobs);
    if (!live.ok()) return Fail(absl::StrCat("live jobs: ", live.status().ToString()));
    for (const store::Record& record : *live) {
      if (!history.jobs().contains(record.name)) {
        Fail(absl::StrCat("the log does not tell of ", record.name));
      }
    }
  }
};

}  // namespace

std::unique_ptr<Checker> MakeHistoryChecker(Findings& findings) {
  return std::make_unique<HistoryChecker>(findings);
}

}  // namespace trainyard::sim
