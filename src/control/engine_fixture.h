// An engine over fakes, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/random.h"
#include "control/engine.h"
#include "control/fake_runtime.h"
#include "control/fake_store.h"
#include "control/job_history.h"
#include "model/custom_job.h"
#include "model/machine_types.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::control {

namespace v1 = google::cloud::aiplatform::v1;

class RecordingLog : public JobLog {
 public:
  void Write(const std::string& job_id, absl::Time, bool error, const std::string& text) override {
    lines[job_id].push_back((error ? "ERROR " : "") + text);
  }
  void Remove(const std::string& job_id) override { lines.erase(job_id); }

  std::map<std::string, std::vector<std::string>> lines;
};

class EngineTest : public testing::Test {
 protected:
  static constexpr int64_t kGiB = int64_t{1} << 30;
  static constexpr char kParent[] = "projects/p/locations/us-central1";

  EngineTest() {
    options_.machine = {{4000, 16 * kGiB}, sched::Placement::kStrict};
    StartEngine();
  }

  // Whatever a test did: the event log, replayed, is what is stored.
  void TearDown() override {
    JobHistory history;
    for (const store::Event& event : store_.events) {
      absl::Status applied = history.Apply(event);
      ASSERT_TRUE(applied.ok()) << applied;
    }
    size_t stored = 0;
    for (const auto& [key, record] : store_.records) {
      if (key.first != store::kCustomJobs) continue;
      ++stored;
      auto step = history.jobs().find(key.second);
      ASSERT_NE(step, history.jobs().end()) << key.second;
      EXPECT_EQ(DifferenceOf(step->second, Record(key.second)), "");
    }
    EXPECT_EQ(stored, history.jobs().size());
  }

  // As a crash does it: nothing of the old engine, its runtime's view included, is left.
  void StartEngine() {
    engine_.reset();
    runtime_ = std::make_unique<FakeRuntime>(clock_);
    engine_ =
        Engine::Create({executor_, clock_, random_, store_, *runtime_, log_, machines_}, options_);
    ASSERT_TRUE(engine_->Start().ok());
    Run();
  }

  // Long enough for any debounce, too short for anything else.
  void Run() { executor_.AdvanceBy(absl::Milliseconds(5)); }

  static CustomJob Job(const std::string& machine_type = "two-cpu") {
    CustomJob job;
    job.set_display_name("a job");
    v1::WorkerPoolSpec& pool = *job.mutable_job_spec()->add_worker_pool_specs();
    pool.set_replica_count(1);
    pool.mutable_machine_spec()->set_machine_type(machine_type);
    pool.mutable_container_spec()->set_image_uri("python");
    pool.mutable_container_spec()->add_command("train");
    pool.mutable_container_spec()->add_args("--job=$(CLOUD_ML_JOB_ID)");
    model::FillDefaults(job);
    return job;
  }

  absl::StatusOr<CustomJob> Create(CustomJob job) {
    std::optional<absl::StatusOr<CustomJob>> reply;
    engine_->CreateCustomJob(kParent, std::move(job), "someone@example.com",
                             [&](absl::StatusOr<CustomJob> got) { reply = std::move(got); });
    Run();
    if (!reply) return absl::InternalError("no reply");
    return *reply;
  }

  // The name of a new job.
  std::string Submit(CustomJob job = Job()) {
    absl::StatusOr<CustomJob> created = Create(std::move(job));
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? created->name() : "";
  }

  absl::Status Cancel(const std::string& name) {
    std::optional<absl::Status> reply;
    engine_->CancelCustomJob(name, [&](absl::StatusOr<bool> got) { reply = got.status(); });
    Run();
    return reply ? *reply : absl::InternalError("no reply");
  }

  absl::StatusOr<google::longrunning::Operation> Delete(const std::string& name) {
    std::optional<absl::StatusOr<google::longrunning::Operation>> reply;
    engine_->DeleteCustomJob(name, [&](auto got) { reply = std::move(got); });
    Run();
    return reply ? *reply : absl::InternalError("no reply");
  }

  CustomJob Get(const std::string& name) {
    absl::StatusOr<CustomJob> job = engine_->GetCustomJob(name);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.ok() ? *job : CustomJob();
  }

  std::string StateOf(const std::string& name) {
    return v1::JobState_Name(Get(name).state()).substr(sizeof("JOB_STATE_") - 1);
  }

  trainyard::store::v1::CustomJobRecord Record(const std::string& name) {
    trainyard::store::v1::CustomJobRecord record;
    EXPECT_TRUE(record.ParseFromString(store_.records.at({store::kCustomJobs, name}).value));
    return record;
  }

  static std::string IdOf(const std::string& name) { return name.substr(name.rfind('/') + 1); }

  static std::string ReplicaOf(const std::string& name, int attempt = 1) {
    return IdOf(name) + "-" + std::to_string(attempt) + "-0-0";
  }

  void Observe(Observation::Kind kind, const std::string& replica_id) {
    runtime_->Observe(kind, replica_id);
    Run();
  }

  void BringTo(const std::string& name, v1::JobState state);

  std::vector<std::string> Lines(const std::string& name) { return log_.lines[IdOf(name)]; }

  base::FakeClock clock_;
  base::FakeExecutor executor_{clock_};
  base::SeededRandom random_{1};
  FakeStore store_;
  RecordingLog log_;
  model::MachineCatalog machines_{{{.name = "one-cpu", .cpu_milli = 1000, .memory_bytes = kGiB},
                                   {.name = "two-cpu", .cpu_milli = 2000, .memory_bytes = kGiB},
                                   {.name = "huge", .cpu_milli = 96000, .memory_bytes = kGiB}}};
  EngineOptions options_;
  std::unique_ptr<FakeRuntime> runtime_;
  std::unique_ptr<Engine> engine_;
};

// From PENDING onward; the usual way.
inline void EngineTest::BringTo(const std::string& name, v1::JobState state) {
  if (state == v1::JOB_STATE_PENDING) return;
  Observe(Observation::Kind::kRunning, ReplicaOf(name));
  if (state == v1::JOB_STATE_RUNNING) return;
  if (state == v1::JOB_STATE_CANCELLING) {
    ASSERT_TRUE(Cancel(name).ok());
    return;
  }
  runtime_->Exit(ReplicaOf(name), state == v1::JOB_STATE_SUCCEEDED ? 0 : 3);
  Run();
  Observe(Observation::Kind::kGone, ReplicaOf(name));
}

}  // namespace trainyard::control
