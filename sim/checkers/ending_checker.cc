#include "absl/strings/str_cat.h"
#include "sim/checkers/checkers.h"

namespace trainyard::sim {
namespace {

class EndingChecker final : public Checker {
 public:
  using Checker::Checker;

  void OnEnd(store::Store& store, size_t replicas_left) override {
    absl::StatusOr<std::vector<store::Record>> live = store.ListLive(store::kCustomJobs);
    if (!live.ok()) return Fail(absl::StrCat("live jobs: ", live.status().ToString()));
    for (const store::Record& record : *live) {
      Fail(absl::StrCat(record.name, " never ended: it is still ", record.state));
    }
    if (replicas_left > 0) Fail(absl::StrCat(replicas_left, " replicas left traces behind"));
  }
};

}  // namespace

std::unique_ptr<Checker> MakeEndingChecker(Findings& findings) {
  return std::make_unique<EndingChecker>(findings);
}

}  // namespace trainyard::sim
