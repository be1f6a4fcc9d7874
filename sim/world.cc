#include "sim/world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "sim/checkers/checkers.h"

namespace trainyard::sim {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

std::vector<model::MachineType> SiteTypes() {
  return {{.name = "tiny", .cpu_milli = 100, .memory_bytes = 64 * kMiB},
          {.name = "one-cpu", .cpu_milli = 1000, .memory_bytes = 1024 * kMiB},
          {.name = "two-cpu", .cpu_milli = 2000, .memory_bytes = 4096 * kMiB},
          {.name = "wide", .cpu_milli = 8000, .memory_bytes = 1024 * kMiB},
          {.name = "deep", .cpu_milli = 500, .memory_bytes = 16384 * kMiB}};
}

absl::Status ServerIsDown() { return absl::UnavailableError("nobody listens"); }

}  // namespace

World::World(const Options& options)
    : options_(options),
      random_(options.seed),
      trace_(clock_, options.print),
      checkers_(MakeAllCheckers(findings_, options.machine)),
      machine_(clock_, executor_, random_, trace_, checkers_),
      catalog_(SiteTypes()) {
  machine_.bug = options.bug;
  machine_.observation_delay_max = options.observation_delay_max;
  machine_.duplicates_per_thousand = options.duplicates_per_thousand;
  machine_.behave = [this](const control::DesiredReplica&) {
    return DrawBehaviour(random_, options_.behaviour);
  };
}

World::~World() { CrashServer(); }

store::CommitFault World::ChooseCommitFault() {
  using When = store::CommitFault::When;
  if (dying_) return {When::kBefore, absl::AbortedError("the server is dead")};
  if (failing_commits_ > 0) {
    --failing_commits_;
    return {When::kBefore, absl::ResourceExhaustedError("the disk is full")};
  }
  if (!faulty) return {};
  const Faults& faults = options_.faults;
  if (DrawChance(random_, faults.commit_fails)) {
    trace_.Say("a commit fails");
    return {When::kBefore, absl::ResourceExhaustedError("the disk is full")};
  }
  bool before = DrawChance(random_, faults.commit_crashes_before);
  if (!before && !DrawChance(random_, faults.commit_crashes_after)) return {};
  trace_.Say(before ? "the server dies before a commit" : "the server dies after a commit");
  dying_ = true;
  return {before ? When::kBefore : When::kAfter, absl::AbortedError("the server is dead")};
}

absl::Status World::ChooseReadFault() {
  return faulty && DrawChance(random_, options_.faults.read_fails)
             ? absl::UnavailableError("the database cannot be read")
             : absl::OkStatus();
}

void World::StartServer() {
  if (up()) return;
  absl::StatusOr<std::unique_ptr<store::Store>> database =
      store::OpenSqliteStore({.path = options_.directory + "/trainyard.db",
                              .token_key = std::string(32, 'k'),
                              .sync = false,
                              .log_bytes = 0,
                              .reserve_bytes = 0,
                              .free_bytes_min = 0});
  CHECK(database.ok());
  database_ = *std::move(database);
  store_ = std::make_unique<WatchedStore>(
      *database_, [this] { return ChooseCommitFault(); }, [this] { return ChooseReadFault(); },
      checkers_, options_.bug);
  runtime_ = std::make_unique<SimRuntime>(machine_);
  control::EngineOptions engine_options{.machine = options_.machine};
  if (options_.bug == Bug::kPlacesTooMuch) {
    engine_options.machine.capacity.cpu_milli *= 2;
    engine_options.machine.capacity.memory_bytes *= 2;
  }
  engine_ = control::Engine::Create(
      {executor_, clock_, random_, *store_, *runtime_, log_, catalog_}, engine_options);
  TellRest();
  absl::Status started = engine_->Start();
  trace_.Say(absl::StrCat("the server starts: ", started.ToString()));
  if (!started.ok() || dying_) AfterCrash();
}

void World::TellRest() {
  for (auto& checker : checkers_) checker->OnRest(*database_);
}

void World::CrashServer() {
  if (!up()) return;
  machine_.Detach();
  engine_.reset();
  runtime_.reset();
  store_.reset();
  database_.reset();
  dying_ = false;
}

void World::AfterCrash() {
  CrashServer();
  executor_.PostAfter(absl::Milliseconds(1) + DrawDuration(random_, absl::Seconds(30)),
                      [this] { StartServer(); });
}

void World::DrawFaults() {
  if (up() && DrawChance(random_, options_.faults.server_crashes)) {
    trace_.Say("the server crashes");
    return AfterCrash();
  }
  if (DrawChance(random_, options_.faults.clock_jumps)) {
    absl::Duration jump = DrawDuration(random_, absl::Hours(2)) - absl::Hours(1);
    trace_.Say(absl::StrCat("the wall clock jumps by ", absl::FormatDuration(jump)));
    clock_.JumpWall(jump);
  }
}

// One task, or the time until the next.
bool World::Step() {
  if (executor_.RunOne()) {
    if (dying_) {
      AfterCrash();
    } else if (faulty) {
      DrawFaults();
    }
    return true;
  }
  absl::Duration due = executor_.NextTimerDue();
  if (due == absl::InfiniteDuration()) return false;
  clock_.Advance(std::max(absl::ZeroDuration(), due - clock_.Monotonic()));
  return true;
}

bool World::RunFor(absl::Duration duration) {
  // The mark makes time go on to the end even when nothing else waits.
  auto over = std::make_shared<bool>(false);
  executor_.PostAfter(duration, [over] { *over = true; });
  while (!*over && findings_.empty()) Step();
  return findings_.empty();
}

void World::Submit(control::CustomJob job,
                   std::function<void(const absl::StatusOr<control::CustomJob>&)> done) {
  if (!up()) return done(ServerIsDown());
  engine_->CreateCustomJob("projects/p/locations/us-central1", std::move(job),
                           "someone@example.com",
                           [this, done](absl::StatusOr<control::CustomJob> created) {
                             if (created.ok()) {
                               trace_.Say(absl::StrCat("created ", created->name()));
                               created_.push_back(created->name());
                               for (auto& checker : checkers_) checker->OnCreated(*created);
                             }
                             done(created);
                           });
}

void World::Cancel(const std::string& name, std::function<void(absl::Status)> done) {
  if (!up()) return done(ServerIsDown());
  auto answer = [this, name, done](absl::StatusOr<bool> cancelled) {
    trace_.Say(absl::StrCat("cancelled ", name, ": ", cancelled.status().ToString()));
    if (cancelled.ok()) {
      for (auto& checker : checkers_) checker->OnCancelled(name);
    }
    done(cancelled.status());
  };
  if (options_.bug == Bug::kForgetsCancels) return answer(true);
  engine_->CancelCustomJob(name, answer);
}

void World::Delete(const std::string& name, std::function<void(absl::Status)> done) {
  if (!up()) return done(ServerIsDown());
  for (auto& checker : checkers_) checker->OnDeleteSent(name);
  engine_->DeleteCustomJob(name, [this, name, done](const auto& deleted) {
    trace_.Say(absl::StrCat("deleted ", name, ": ", deleted.status().ToString()));
    done(deleted.status());
  });
}

absl::StatusOr<control::CustomJob> World::Get(const std::string& name) {
  if (!up()) return ServerIsDown();
  absl::StatusOr<control::CustomJob> job = engine_->GetCustomJob(name);
  if (job.ok()) {
    for (auto& checker : checkers_) checker->OnRead(*job);
  }
  return job;
}

void World::End() {
  CHECK(up());
  for (const std::string& name : created_) static_cast<void>(Get(name));
  for (auto& checker : checkers_) checker->OnEnd(*database_, machine_.replicas());
}

}  // namespace trainyard::sim
