#include "sched/blockers.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sched/resource_text.h"

namespace trainyard::sched {
namespace {

constexpr size_t kHoldersMax = 100;

struct Resource {
  const char* name;
  int64_t Need::*amount;
  std::string (*text)(int64_t);
  const char* unit;  // after a needed amount
};

constexpr Resource kResources[] = {
    {"cpu", &Need::cpu_milli, CpuText, " cpu"},
    {"memory", &Need::memory_bytes, MemoryText, " of memory"},
};

// Who holds most comes first; the order of `holders` makes no difference.
std::vector<std::pair<int64_t, std::string>> HoldersOf(const Machine& machine,
                                                       const std::vector<RunningJob>& holders,
                                                       int64_t Need::*amount) {
  std::vector<std::pair<int64_t, std::string>> held;
  for (const RunningJob& job : holders) {
    int64_t counted = CountedNeed(machine, job.need).*amount;
    if (counted > 0) held.emplace_back(-counted, job.name);
  }
  size_t kept = std::min(held.size(), kHoldersMax);
  std::partial_sort(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(kept), held.end());
  return held;
}

Blocker BlockerOf(const Machine& machine, const std::vector<RunningJob>& holders, const Need& free,
                  const Need& need, const Resource& resource) {
  auto held = HoldersOf(machine, holders, resource.amount);
  Blocker blocker{.resource = resource.name,
                  .needed = need.*resource.amount,
                  .free = std::max<int64_t>(free.*resource.amount, 0),
                  .capacity = machine.capacity.*resource.amount};
  blocker.text =
      absl::StrCat("needs ", resource.text(blocker.needed), resource.unit, "; ",
                   resource.text(blocker.free), " of ", resource.text(blocker.capacity), " free");
  if (!held.empty()) {
    absl::StrAppend(&blocker.text, "; job ", ShortName(held.front().second), " holds ",
                    resource.text(-held.front().first));
    if (held.size() > 1) {
      absl::StrAppend(&blocker.text, ", ", held.size() - 1,
                      held.size() == 2 ? " other job the rest" : " other jobs the rest");
    }
  }
  held.resize(std::min(held.size(), kHoldersMax));
  for (auto& [amount, name] : held) blocker.holders.push_back(std::move(name));
  return blocker;
}

}  // namespace

Need Plus(const Need& left, const Need& right) {
  return {left.cpu_milli + right.cpu_milli, left.memory_bytes + right.memory_bytes};
}

Need Minus(const Need& left, const Need& right) {
  return {left.cpu_milli - right.cpu_milli, left.memory_bytes - right.memory_bytes};
}

bool Fits(const Need& need, const Need& free) {
  return need.cpu_milli <= std::max<int64_t>(free.cpu_milli, 0) &&
         need.memory_bytes <= std::max<int64_t>(free.memory_bytes, 0);
}

std::vector<Blocker> ResourceBlockers(const Machine& machine,
                                      const std::vector<RunningJob>& holders, const Need& free,
                                      const Need& need) {
  std::vector<Blocker> blockers;
  Need counted = CountedNeed(machine, need);
  for (const Resource& resource : kResources) {
    if (counted.*resource.amount <= std::max<int64_t>(free.*resource.amount, 0)) continue;
    blockers.push_back(BlockerOf(machine, holders, free, counted, resource));
  }
  return blockers;
}

}  // namespace trainyard::sched
