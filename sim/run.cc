#include "sim/run.h"

#include <cstdlib>
#include <filesystem>

#include "base/log.h"
#include "sim/load.h"
#include "sim/world.h"

namespace trainyard::sim {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

// Longer than any drawn run, its attempts and its queue can take.
constexpr absl::Duration kHealing = absl::Hours(24 * 7);

void Count(World& world, Outcome& outcome) {
  outcome.created = world.created().size();
  for (const std::string& name : world.created()) {
    absl::StatusOr<control::CustomJob> job = world.Get(name);
    if (!job.ok()) continue;
    outcome.succeeded += job->state() == v1::JOB_STATE_SUCCEEDED ? 1 : 0;
    outcome.failed += job->state() == v1::JOB_STATE_FAILED ? 1 : 0;
    outcome.cancelled += job->state() == v1::JOB_STATE_CANCELLED ? 1 : 0;
  }
}

}  // namespace

Outcome RunOnce(const Options& options) {
  World world(options);
  Load load(world, options);
  load.Begin();
  world.StartServer();
  world.faulty = true;
  bool well = world.RunFor(options.chaos);
  world.faulty = false;
  Outcome outcome;
  if (well && world.RunFor(kHealing)) {
    world.End();
    Count(world, outcome);
  }
  outcome.findings = world.findings();
  outcome.trace.assign(world.trace().lines().begin(), world.trace().lines().end());
  return outcome;
}

ScratchDirectory::ScratchDirectory() {
  const char* chosen = std::getenv("TMPDIR");
  std::string parent = chosen != nullptr                     ? chosen
                       : std::filesystem::exists("/dev/shm") ? "/dev/shm"
                                                             : "/tmp";
  path_ = parent + "/trainyard-sim-XXXXXX";
  CHECK(mkdtemp(path_.data()) != nullptr);
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void ScratchDirectory::Clear() const {
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    std::filesystem::remove_all(entry.path());
  }
}

}  // namespace trainyard::sim
