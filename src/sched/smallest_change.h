// The smallest change that would start a waiting job at once. Private to this folder.
#pragma once

#include <string>
#include <vector>

#include "sched/planner.h"

namespace trainyard::sched {

// `ahead`: the jobs in front of `job` in the queue that can ever start.
Change SmallestChange(const Snapshot& snapshot, const std::vector<const QueuedJob*>& ahead,
                      const QueuedJob& job);

// `change` as a sentence; empty when it is empty.
std::string ChangeText(const Snapshot& snapshot, const QueuedJob& job, const Change& change);

}  // namespace trainyard::sched
