// Every rule there is.
#pragma once

#include <memory>
#include <vector>

#include "sched/planner.h"
#include "sim/checker.h"

namespace trainyard::sim {

// An acknowledged job is there until its deletion is asked for.
std::unique_ptr<Checker> MakeAcknowledgedChecker(Findings& findings);
// At most one live process a job; a replica id starts once ever.
std::unique_ptr<Checker> MakeSingleRunChecker(Findings& findings);
// What runs fits the machine.
std::unique_ptr<Checker> MakeCapacityChecker(Findings& findings, const sched::Machine& machine);
// States move along the table only, and the event log, replayed, is what is stored.
std::unique_ptr<Checker> MakeHistoryChecker(Findings& findings);
// A cancel that was answered ends a job that had not ended as CANCELLED; nothing leaves an end.
std::unique_ptr<Checker> MakeCancelChecker(Findings& findings);
// SUCCEEDED is said of a job only if its last process exited with 0; errors and times fit the
// state.
std::unique_ptr<Checker> MakeTruthChecker(Findings& findings);
// Once faults stop, every job ends and nothing of it is left.
std::unique_ptr<Checker> MakeEndingChecker(Findings& findings);

inline std::vector<std::unique_ptr<Checker>> MakeAllCheckers(Findings& findings,
                                                             const sched::Machine& machine) {
  std::vector<std::unique_ptr<Checker>> checkers;
  checkers.push_back(MakeAcknowledgedChecker(findings));
  checkers.push_back(MakeSingleRunChecker(findings));
  checkers.push_back(MakeCapacityChecker(findings, machine));
  checkers.push_back(MakeHistoryChecker(findings));
  checkers.push_back(MakeCancelChecker(findings));
  checkers.push_back(MakeTruthChecker(findings));
  checkers.push_back(MakeEndingChecker(findings));
  return checkers;
}

}  // namespace trainyard::sim
