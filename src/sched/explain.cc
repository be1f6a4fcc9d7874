#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "sched/blockers.h"
#include "sched/planner.h"
#include "sched/resource_text.h"
#include "sched/smallest_change.h"

namespace trainyard::sched {
namespace {

constexpr size_t kNamesMax = 100;

using Ending = std::pair<absl::Time, std::pair<int64_t, int64_t>>;  // when; cpu and memory freed

// Plays the queue forward with every job using all of its time. A bound, not a forecast.
absl::Time LatestStart(const Snapshot& snapshot, const std::vector<const QueuedJob*>& ahead,
                       const QueuedJob& job, absl::Time now) {
  std::priority_queue<Ending, std::vector<Ending>, std::greater<>> endings;
  auto add = [&](absl::Time end, const Need& need) {
    endings.push({end, {need.cpu_milli, need.memory_bytes}});
  };
  for (const RunningJob& running : snapshot.running) {
    add(std::max(running.deadline, now), CountedNeed(snapshot.machine, running.need));
  }
  Need free = FreeOf(snapshot);
  absl::Time time = now;
  auto start = [&](const QueuedJob& next) {
    Need counted = CountedNeed(snapshot.machine, next.need);
    while (!Fits(counted, free)) {
      if (endings.empty()) return absl::InfiniteFuture();
      auto [end, freed] = endings.top();
      endings.pop();
      time = std::max(time, end);
      free = Plus(free, {freed.first, freed.second});
    }
    free = Minus(free, counted);
    add(time + next.timeout, counted);
    return time;
  };
  for (const QueuedJob* next : ahead) {
    if (start(*next) == absl::InfiniteFuture()) return absl::InfiniteFuture();
  }
  return start(job);
}

Blocker QueueBlocker(const std::vector<const QueuedJob*>& ahead,
                     const std::vector<Blocker>& head_blockers) {
  Blocker blocker{.resource = "queue"};
  for (size_t i = 0; i < std::min(ahead.size(), kNamesMax); ++i) {
    blocker.holders.push_back(ahead[i]->name);
  }
  std::string first = ShortName(ahead.front()->name);
  blocker.text = ahead.size() == 1
                     ? absl::StrCat("job ", first, " is ahead of it")
                     : absl::StrCat(ahead.size(), " jobs are ahead of it, the first is ", first);
  for (const Blocker& head : head_blockers) {
    absl::StrAppend(&blocker.text, ", which waits for ", head.resource, ": ", head.text);
    break;
  }
  return blocker;
}

std::string SummaryOf(const Explanation& explanation) {
  if (explanation.blockers.empty()) return "Nothing keeps the job from starting.";
  std::string text;
  for (const Blocker& blocker : explanation.blockers) {
    bool queue = blocker.resource == "queue";
    absl::StrAppend(&text, text.empty() ? "Waits " : "; waits ", queue ? "in the queue: " : "for ",
                    queue ? "" : blocker.resource + ": ", blocker.text);
  }
  text += ".";
  if (explanation.estimated_start != absl::InfiniteFuture()) {
    absl::StrAppend(
        &text, " Starts at the latest at ",
        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", explanation.estimated_start, absl::UTCTimeZone()),
        ", should every job before it use all of its time.");
  }
  return text;
}

Explanation ExplainNever(Explanation explanation, const Snapshot& snapshot, const QueuedJob& job) {
  explanation.can_ever_start = false;
  explanation.blockers =
      ResourceBlockers(snapshot.machine, snapshot.running, FreeOf(snapshot), job.need);
  explanation.summary = WhyNever(snapshot.machine, job.need);
  explanation.smallest_change = absl::StrCat(
      "Choose a machine type of at most ", CpuText(snapshot.machine.capacity.cpu_milli),
      " cpu and ", MemoryText(snapshot.machine.capacity.memory_bytes),
      ", or start the server with placement: share.");
  return explanation;
}

}  // namespace

Explanation Explain(const Snapshot& snapshot, const std::string& name, absl::Time now) {
  std::vector<const QueuedJob*> ahead;
  auto job = snapshot.queued.begin();
  for (; job != snapshot.queued.end() && job->name != name; ++job) {
    if (WhyNever(snapshot.machine, job->need).empty()) ahead.push_back(&*job);
  }
  CHECK(job != snapshot.queued.end());
  Explanation explanation{.position = static_cast<int>(ahead.size()) + 1};
  if (!WhyNever(snapshot.machine, job->need).empty()) {
    return ExplainNever(std::move(explanation), snapshot, *job);
  }
  explanation.estimated_start = LatestStart(snapshot, ahead, *job, now);
  if (explanation.estimated_start <= now) {
    // Room for all up to this one: the next pass starts it, unless a deadline only seems past.
    Snapshot first{snapshot.machine, snapshot.running, {snapshot.queued.begin(), job + 1}};
    auto placed = MakePlan(first, now).placed;
    if (!placed.empty() && placed.back() == name) {
      explanation.summary = SummaryOf(explanation);
      return explanation;
    }
  }
  Snapshot own{snapshot.machine, snapshot.running, {*job}};
  explanation.blockers = MakePlan(own, now).head_blockers;
  if (!ahead.empty()) {
    Snapshot head{snapshot.machine, snapshot.running, {*ahead.front()}};
    explanation.blockers.insert(explanation.blockers.begin(),
                                QueueBlocker(ahead, MakePlan(head, now).head_blockers));
  }
  explanation.change = SmallestChange(snapshot, ahead, *job);
  explanation.smallest_change = ChangeText(snapshot, *job, explanation.change);
  explanation.summary = SummaryOf(explanation);
  return explanation;
}

}  // namespace trainyard::sched
