#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "sim/checkers/checkers.h"

namespace trainyard::sim {
namespace {

class SingleRunChecker final : public Checker {
 public:
  using Checker::Checker;

  void OnProcessStart(const control::DesiredReplica& replica) override {
    if (!started_.insert(replica.replica_id).second) {
      Fail(absl::StrCat("replica started twice: ", replica.replica_id));
    }
    auto [live, alone] = live_.emplace(replica.job_id, replica.replica_id);
    if (!alone) {
      Fail(absl::StrCat("job runs twice at a time: ", replica.replica_id, " starts while ",
                        live->second, " lives"));
    }
  }

  void OnProcessEnd(const control::DesiredReplica& replica) override {
    auto live = live_.find(replica.job_id);
    if (live != live_.end() && live->second == replica.replica_id) live_.erase(live);
  }

 private:
  std::set<std::string> started_;
  std::map<std::string, std::string> live_;  // job, replica
};

}  // namespace

std::unique_ptr<Checker> MakeSingleRunChecker(Findings& findings) {
  return std::make_unique<SingleRunChecker>(findings);
}

}  // namespace trainyard::sim
