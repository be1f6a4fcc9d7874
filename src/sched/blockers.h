// What keeps one need from fitting, resource by resource. Private to this folder.
#pragma once

#include <vector>

#include "sched/planner.h"

namespace trainyard::sched {

Need Plus(const Need& left, const Need& right);
Need Minus(const Need& left, const Need& right);
bool Fits(const Need& need, const Need& free);

// One blocker for each resource of which `free` has less than `need` counts for; `holders` are the
// jobs that hold the rest.
std::vector<Blocker> ResourceBlockers(const Machine& machine,
                                      const std::vector<RunningJob>& holders, const Need& free,
                                      const Need& need);

}  // namespace trainyard::sched
