#include "sched/smallest_change.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "sched/blockers.h"
#include "sched/resource_text.h"

namespace trainyard::sched {
namespace {

// A job whose end would free room.
struct Candidate {
  std::string name;
  Need counted;
  bool running = false;
};

// Everything from the head of the queue to the job starts together or not at all, so what has to be
// freed is what all of them lack.
Need LackOf(const Need& wanted, const Need& free) {
  auto lack = [](int64_t amount, int64_t has) { return amount > 0 ? amount - has : 0; };
  return {lack(wanted.cpu_milli, free.cpu_milli), lack(wanted.memory_bytes, free.memory_bytes)};
}

bool Covers(const Need& freed, const Need& lack) {
  return freed.cpu_milli >= lack.cpu_milli && freed.memory_bytes >= lack.memory_bytes;
}

// How much of the lack a candidate covers, the two resources together: 0 to 2.
double ShareOf(const Need& freed, const Need& lack) {
  auto share = [](int64_t amount, int64_t wanted) {
    return wanted <= 0
               ? 0.0
               : static_cast<double>(std::min(amount, wanted)) / static_cast<double>(wanted);
  };
  return share(freed.cpu_milli, lack.cpu_milli) + share(freed.memory_bytes, lack.memory_bytes);
}

// To withdraw a waiting job costs less than to end a running one, a small one less than a big one.
auto CostOf(const Candidate& job) {
  return std::tuple(job.running, job.counted.memory_bytes, job.counted.cpu_milli, job.name);
}

std::vector<Candidate> CandidatesOf(const Snapshot& snapshot,
                                    const std::vector<const QueuedJob*>& ahead) {
  std::vector<Candidate> candidates;
  for (const QueuedJob* job : ahead) {
    candidates.push_back({job->name, CountedNeed(snapshot.machine, job->need), false});
  }
  for (const RunningJob& job : snapshot.running) {
    candidates.push_back({job.name, CountedNeed(snapshot.machine, job.need), true});
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const auto& a, const auto& b) { return CostOf(a) < CostOf(b); });
  return candidates;
}

// One job where one is enough; else those that cover most, less those that turn out not to be
// needed. With one scarce resource that is the fewest possible.
std::vector<Candidate> Choose(std::vector<Candidate> candidates, const Need& lack) {
  for (const Candidate& job : candidates) {
    if (Covers(job.counted, lack)) return {job};
  }
  std::stable_sort(candidates.begin(), candidates.end(), [&](const auto& a, const auto& b) {
    return ShareOf(a.counted, lack) > ShareOf(b.counted, lack);
  });
  std::vector<Candidate> chosen;
  Need freed;
  for (size_t i = 0; i < candidates.size() && !Covers(freed, lack); ++i) {
    freed = Plus(freed, candidates[i].counted);
    chosen.push_back(candidates[i]);
  }
  for (size_t i = chosen.size(); i-- > 0;) {
    Need without = Minus(freed, chosen[i].counted);
    if (!Covers(without, lack)) continue;
    freed = without;
    chosen.erase(chosen.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return chosen;
}

}  // namespace

Change SmallestChange(const Snapshot& snapshot, const std::vector<const QueuedJob*>& ahead,
                      const QueuedJob& job) {
  Need free = FreeOf(snapshot);
  Need wanted = CountedNeed(snapshot.machine, job.need);
  Need left = free;  // when all ahead of it have started
  for (const QueuedJob* other : ahead) {
    Need counted = CountedNeed(snapshot.machine, other->need);
    wanted = Plus(wanted, counted);
    left = Minus(left, counted);
  }
  Need lack = LackOf(wanted, free);
  if (Covers({}, lack)) return {};
  Change change;
  for (const Candidate& chosen : Choose(CandidatesOf(snapshot, ahead), lack)) {
    change.end.push_back(chosen.name);
  }
  std::sort(change.end.begin(), change.end.end());
  bool counts_cpu = snapshot.machine.placement == Placement::kStrict;
  change.may_ask_less = left.memory_bytes > 0 && (!counts_cpu || left.cpu_milli > 0);
  if (change.may_ask_less) {
    change.ask_at_most = {
        counts_cpu ? std::min(left.cpu_milli, job.need.cpu_milli) : job.need.cpu_milli,
        std::min(left.memory_bytes, job.need.memory_bytes)};
  }
  return change;
}

std::string ChangeText(const Snapshot& snapshot, const QueuedJob& job, const Change& change) {
  std::string text;
  if (!change.end.empty()) {
    absl::StrAppend(&text, "Cancel job", change.end.size() > 1 ? "s " : " ", NamesText(change.end));
  }
  if (change.may_ask_less) {
    bool counts_cpu = snapshot.machine.placement == Placement::kStrict;
    absl::StrAppend(&text, text.empty() ? "Ask" : ", or ask", " for a machine type of at most ");
    if (counts_cpu) absl::StrAppend(&text, CpuText(change.ask_at_most.cpu_milli), " cpu and ");
    absl::StrAppend(&text, MemoryText(change.ask_at_most.memory_bytes), " of memory, not ");
    if (counts_cpu) absl::StrAppend(&text, CpuText(job.need.cpu_milli), " cpu and ");
    absl::StrAppend(&text, MemoryText(job.need.memory_bytes));
  }
  if (!text.empty()) text += ".";
  return text;
}

}  // namespace trainyard::sched
