#include <set>

#include "absl/strings/str_cat.h"
#include "sim/checkers/checkers.h"

namespace trainyard::sim {
namespace {

class AcknowledgedChecker final : public Checker {
 public:
  using Checker::Checker;

  void OnCreated(const CustomJob& job) override { acknowledged_.insert(job.name()); }
  void OnDeleteSent(const std::string& name) override { acknowledged_.erase(name); }

  void OnRest(store::Store& store) override {
    for (const std::string& name : acknowledged_) {
      absl::Status status = store.Get(store::kCustomJobs, name).status();
      if (!status.ok())
        Fail(absl::StrCat("acknowledged job lost: ", name, ": ", status.ToString()));
    }
  }
  void OnEnd(store::Store& store, size_t) override { OnRest(store); }

 private:
  std::set<std::string> acknowledged_;
};

}  // namespace

std::unique_ptr<Checker> MakeAcknowledgedChecker(Findings& findings) {
  return std::make_unique<AcknowledgedChecker>(findings);
}

}  // namespace trainyard::sim
