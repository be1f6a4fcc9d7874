#include "sim/load.h"

#include <iterator>

#include "model/custom_job.h"

namespace trainyard::sim {
namespace {

constexpr int kCallsPerJob = 6;

}  // namespace

control::CustomJob DrawJob(base::SeededRandom& random) {
  constexpr const char* kTypes[] = {"tiny", "one-cpu", "two-cpu", "wide", "deep"};
  control::CustomJob job;
  job.set_display_name("drawn");
  auto& spec = *job.mutable_job_spec();
  auto& pool = *spec.add_worker_pool_specs();
  pool.set_replica_count(1);
  pool.mutable_machine_spec()->set_machine_type(kTypes[random.Below(std::size(kTypes))]);
  pool.mutable_container_spec()->set_image_uri("python");
  model::FillDefaults(job);
  if (random.Below(3) == 0) {
    spec.mutable_scheduling()->mutable_timeout()->set_seconds(
        static_cast<int64_t>(1 + random.Below(120)));
  }
  if (random.Below(5) == 0) spec.mutable_scheduling()->set_disable_retries(true);
  return job;
}

void Load::Begin() {
  for (int i = 0; i < options_.jobs; ++i) {
    world_.executor().PostAfter(DrawDuration(world_.random(), options_.chaos),
                                [this] { Submit(); });
  }
  for (int i = 0; i < options_.jobs * kCallsPerJob; ++i) {
    world_.executor().PostAfter(DrawDuration(world_.random(), options_.chaos), [this] { Call(); });
  }
}

void Load::Submit() {
  // Some callers come together.
  for (uint64_t i = world_.random().Below(8) == 0 ? 5 : 1; i > 0; --i) {
    world_.Submit(DrawJob(world_.random()), [](const auto&) {});
  }
}

void Load::Call() {
  const auto& names = world_.created();
  if (names.empty()) return;
  const std::string& name = names[world_.random().Below(names.size())];
  if (DrawChance(world_.random(), options_.cancels_per_thousand)) {
    world_.Cancel(name, [](const absl::Status&) {});
  } else if (DrawChance(world_.random(), 100)) {
    absl::StatusOr<control::CustomJob> job = world_.Get(name);
    if (job.ok() && job->has_end_time()) world_.Delete(name, [](const absl::Status&) {});
  } else if (DrawChance(world_.random(), 100) && world_.up()) {
    world_.engine().Explain(name, [](const auto&) {});
  } else {
    static_cast<void>(world_.Get(name));
  }
}

}  // namespace trainyard::sim
