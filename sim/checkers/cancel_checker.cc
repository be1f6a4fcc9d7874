#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "model/job_state.h"
#include "sim/checkers/checkers.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::sim {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

class CancelChecker final : public Checker {
 public:
  using Checker::Checker;

  void OnCommit(const store::Transaction& transaction) override {
    for (const store::Write& write : transaction.writes) {
      if (write.record.kind != store::kCustomJobs) continue;
      if (write.kind == store::Write::Kind::kDelete) {
        ended_.erase(write.record.name);
        cancelled_.erase(write.record.name);
      } else {
        CheckWrite(write.record);
      }
    }
  }

  // Answered: whatever had not ended by then is on its way to CANCELLED.
  void OnCancelled(const std::string& name) override {
    if (!ended_.contains(name)) cancelled_.insert(name);
  }

 private:
  void CheckWrite(const store::Record& record) {
    v1::JobState state = v1::JOB_STATE_UNSPECIFIED;
    if (!v1::JobState_Parse(record.state, &state)) return Fail("no such state: " + record.state);
    auto ended = ended_.find(record.name);
    if (ended != ended_.end()) {
      Fail(absl::StrCat(record.name, " ended as ", ended->second, " and is written as ",
                        record.state));
    }
    if (record.live == model::IsTerminal(state)) Fail(record.name + ": live and ended at once");
    if (!model::IsTerminal(state)) return;
    ended_.emplace(record.name, record.state);
    if (cancelled_.contains(record.name) && state != v1::JOB_STATE_CANCELLED) {
      Fail(absl::StrCat(record.name, " was cancelled and ended as ", record.state));
    }
  }

  std::map<std::string, std::string> ended_;  // name, state
  std::set<std::string> cancelled_;
};

}  // namespace

std::unique_ptr<Checker> MakeCancelChecker(Findings& findings) {
  return std::make_unique<CancelChecker>(findings);
}

}  // namespace trainyard::sim
