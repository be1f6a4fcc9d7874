// What the engine costs: durable submissions beside the disk's own speed, a waiting job in memory,
// a start beside a million ended jobs.
//
//   control_bench --directory DIR [--jobs 20000] [--ended 1000000]
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/random.h"
#include "control/engine.h"
#include "model/custom_job.h"
#include "store/store.h"

namespace trainyard {
namespace {

constexpr int kClients = 16;
constexpr char kParent[] = "projects/p/locations/us-central1";

base::RealClock real_clock;

class SilentLog : public control::JobLog {
 public:
  void Write(const std::string&, absl::Time, bool, const std::string&) override {}
  void Remove(const std::string&) override {}
};

// Runs nothing; notes when it was asked to.
class IdleRuntime : public control::Runtime {
 public:
  absl::Status Start(absl::AnyInvocable<void(control::Observation)>) override {
    return absl::OkStatus();
  }
  void SetDesired(std::vector<control::DesiredReplica>) override {
    asked_us = absl::ToInt64Microseconds(real_clock.Monotonic());
  }
  absl::Status CheckImage(const std::string&) override { return absl::OkStatus(); }

  std::atomic<int64_t> asked_us{0};
};

std::vector<model::MachineType> SiteTypes() {
  return {{.name = "tenth", .cpu_milli = 100, .memory_bytes = int64_t{64} << 20, .site = true}};
}

struct Server {
  Server(const std::string& path, int64_t memory_bytes) {
    auto opened = store::OpenSqliteStore({.path = path, .token_key = std::string(32, 'k')});
    CHECK(opened.ok());
    store = *std::move(opened);
    engine = control::Engine::Create({executor, real_clock, random, *store, runtime, log, machines},
                                     {.machine = {{2000, memory_bytes}, sched::Placement::kShare}});
    CHECK(engine->Start().ok());
  }

  model::MachineCatalog machines{SiteTypes()};
  base::SystemRandom random;
  IdleRuntime runtime;
  SilentLog log;
  std::unique_ptr<store::Store> store;
  base::ThreadExecutor executor{"engine"};
  std::unique_ptr<control::Engine> engine;
};

control::CustomJob TrivialJob() {
  control::CustomJob job;
  job.set_display_name("bench");
  auto& pool = *job.mutable_job_spec()->add_worker_pool_specs();
  pool.mutable_machine_spec()->set_machine_type("tenth");
  pool.mutable_container_spec()->set_image_uri("python:3.11");
  pool.mutable_container_spec()->add_command("true");
  model::FillDefaults(job);
  return job;
}

absl::Duration Create(control::Engine& engine) {
  std::promise<absl::Status> answered;
  absl::Duration begin = real_clock.Monotonic();
  engine.CreateCustomJob(
      kParent, TrivialJob(), "bench@example.com",
      [&](absl::StatusOr<control::CustomJob> job) { answered.set_value(job.status()); });
  CHECK(answered.get_future().get().ok());
  return real_clock.Monotonic() - begin;
}

double Milliseconds(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

absl::Duration Quantile(std::vector<absl::Duration>& values, double quantile) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<size_t>(static_cast<double>(values.size()) * quantile))];
}

// One page at a time into a file that is already there, as the store's log is.
absl::Duration MeasureSync(const std::string& directory) {
  constexpr int kCount = 500;
  constexpr size_t kPage = 4096;
  std::string path = directory + "/sync", page(kPage, 'x');
  int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  CHECK(file >= 0);
  for (int i = 0; i < kCount; ++i) {
    CHECK(pwrite(file, page.data(), kPage, static_cast<off_t>(i * kPage)) == kPage);
  }
  CHECK(fsync(file) == 0);
  std::vector<absl::Duration> took;
  for (int i = 0; i < kCount; ++i) {
    absl::Duration begin = real_clock.Monotonic();
    CHECK(pwrite(file, page.data(), kPage, static_cast<off_t>(i * kPage)) == kPage);
    CHECK(fdatasync(file) == 0);
    took.push_back(real_clock.Monotonic() - begin);
  }
  close(file);
  return Quantile(took, 0.5);
}

int64_t ResidentBytes() {
  int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

void MeasureSubmissions(const std::string& directory, int jobs) {
  absl::Duration before = MeasureSync(directory);
  Server server(directory + "/submit.db", int64_t{1} << 30);
  std::vector<std::vector<absl::Duration>> took(kClients);
  int64_t revisions = server.store->revision();
  absl::Duration begin = real_clock.Monotonic();
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      for (int i = 0; i < jobs / kClients; ++i) took[client].push_back(Create(*server.engine));
    });
  }
  for (std::thread& client : clients) client.join();
  double seconds = absl::ToDoubleSeconds(real_clock.Monotonic() - begin);
  revisions = server.store->revision() - revisions;
  absl::Duration sync = std::min(before, MeasureSync(directory));
  std::vector<absl::Duration> all;
  for (const auto& client : took) all.insert(all.end(), client.begin(), client.end());
  double rate = static_cast<double>(all.size()) / seconds;
  double bound = 8 / absl::ToDoubleSeconds(sync);
  std::printf("durable submissions, %d clients: %.0f/s; p50 %.2f ms, p99 %.2f ms; %.1f a commit\n",
              kClients, rate, Milliseconds(Quantile(all, 0.5)), Milliseconds(Quantile(all, 0.99)),
              static_cast<double>(all.size()) / static_cast<double>(revisions));
  std::printf("  fdatasync of a page: median %.3f ms; 8 of it: %.0f/s; reached: %.2f\n",
              Milliseconds(sync), bound, rate / bound);
}

void MeasureStart(const std::string& directory) {
  Server server(directory + "/latency.db", int64_t{1} << 50);
  std::vector<absl::Duration> asked, answered;
  for (int i = 0; i < 200; ++i) {
    absl::Duration begin = real_clock.Monotonic();
    answered.push_back(Create(*server.engine));
    asked.push_back(absl::Microseconds(server.runtime.asked_us.load()) - begin);
  }
  std::printf("one caller: asked of the runtime after %.2f ms, answered after %.2f ms (medians)\n",
              Milliseconds(Quantile(asked, 0.5)), Milliseconds(Quantile(answered, 0.5)));
}

void MeasureQueue(const std::string& directory, int jobs) {
  Server server(directory + "/queue.db", int64_t{1} << 20);
  for (int i = 0; i < 1000; ++i) Create(*server.engine);
  int64_t before = ResidentBytes();
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&] {
      for (int i = 0; i < jobs / kClients; ++i) Create(*server.engine);
    });
  }
  for (std::thread& client : clients) client.join();
  double bytes = static_cast<double>(ResidentBytes() - before) / jobs;
  std::vector<absl::Duration> one;
  for (int i = 0; i < 100; ++i) one.push_back(Create(*server.engine));
  std::printf("%d queued jobs: %.1f KB each in memory; one more takes %.2f ms (median)\n", jobs,
              bytes / 1e3, Milliseconds(Quantile(one, 0.5)));
}

// A job that has run and ended, with all that the engine leaves of one.
store::Record EndedJob(int number) {
  trainyard::store::v1::CustomJobRecord record;
  *record.mutable_job() = TrivialJob();
  record.mutable_job()->set_name(absl::StrCat(kParent, "/customJobs/", 1'000'000'000 + number));
  record.mutable_job()->set_state(google::cloud::aiplatform::v1::JOB_STATE_SUCCEEDED);
  record.mutable_status()->set_attempt(1);
  store::Record stored;
  stored.kind = store::kCustomJobs;
  stored.name = record.job().name();
  stored.parent = kParent;
  stored.state = "JOB_STATE_SUCCEEDED";
  stored.display_name = record.job().display_name();
  stored.create_time = absl::FromUnixSeconds(1'700'000'000) + absl::Seconds(number);
  stored.value = record.SerializeAsString();
  return stored;
}

void MeasureRestart(const std::string& directory, int ended) {
  constexpr int kPerCommit = 5000;
  std::string path = directory + "/restart.db";
  {
    auto store = store::OpenSqliteStore({.path = path, .token_key = std::string(32, 'k')});
    CHECK(store.ok());
    for (int i = 0; i < ended;) {
      store::Transaction transaction;
      for (int j = 0; j < kPerCommit && i < ended; ++j, ++i) {
        transaction.writes.push_back({store::Write::Kind::kPut, EndedJob(i)});
      }
      CHECK((*store)->Commit(transaction).ok());
    }
  }
  absl::Duration begin = real_clock.Monotonic();
  Server server(path, int64_t{1} << 30);
  std::printf("start of store and engine beside %d ended jobs: %.0f ms\n", ended,
              Milliseconds(real_clock.Monotonic() - begin));
}

int Main(int argc, char** argv) {
  CLI::App app("What the engine costs.");
  std::string directory;
  int jobs = 20'000, queued = 100'000, ended = 1'000'000;
  app.add_option("--directory", directory, "on the disk to be measured")->required();
  app.add_option("--jobs", jobs, "submissions");
  app.add_option("--queued", queued, "waiting jobs");
  app.add_option("--ended", ended, "ended jobs");
  CLI11_PARSE(app, argc, argv);
  std::filesystem::create_directories(directory);
  MeasureStart(directory);
  MeasureSubmissions(directory, jobs);
  if (queued > 0) MeasureQueue(directory, queued);
  if (ended > 0) MeasureRestart(directory, ended);
  return 0;
}

}  // namespace
}  // namespace trainyard

int main(int argc, char** argv) { return trainyard::Main(argc, argv); }
