#include <map>

#include "absl/strings/str_cat.h"
#include "sim/checkers/checkers.h"

namespace trainyard::sim {
namespace {

class CapacityChecker final : public Checker {
 public:
  CapacityChecker(Findings& findings, const sched::Machine& machine)
      : Checker(findings), machine_(machine) {}

  void OnProcessStart(const control::DesiredReplica& replica) override {
    live_[replica.replica_id] =
        sched::CountedNeed(machine_, {replica.need.cpu_milli(), replica.need.memory_bytes()});
    sched::Need used;
    for (const auto& [id, need] : live_) {
      used.cpu_milli += need.cpu_milli;
      used.memory_bytes += need.memory_bytes;
    }
    if (used.cpu_milli > machine_.capacity.cpu_milli ||
        used.memory_bytes > machine_.capacity.memory_bytes) {
      Fail(absl::StrCat("capacity exceeded by the start of ", replica.replica_id, ": ",
                        used.cpu_milli, " of ", machine_.capacity.cpu_milli, " cpu_milli, ",
                        used.memory_bytes, " of ", machine_.capacity.memory_bytes, " bytes"));
    }
  }

  void OnProcessEnd(const control::DesiredReplica& replica) override {
    live_.erase(replica.replica_id);
  }

 private:
  const sched::Machine machine_;
  std::map<std::string, sched::Need> live_;
};

}  // namespace

std::unique_ptr<Checker> MakeCapacityChecker(Findings& findings, const sched::Machine& machine) {
  return std::make_unique<CapacityChecker>(findings, machine);
}

}  // namespace trainyard::sim
