// A runtime for tests: it runs nothing and tells what the test makes it tell.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/runtime.h"

namespace trainyard::control {

// Threads: one.
class FakeRuntime : public Runtime {
 public:
  explicit FakeRuntime(const base::Clock& clock) : clock_(clock) {}

  absl::Status Start(absl::AnyInvocable<void(Observation)> observe) override {
    observe_ = std::move(observe);
    return start_status;
  }

  void SetDesired(std::vector<DesiredReplica> replicas) override {
    ++set_desired_calls;
    desired.clear();
    for (DesiredReplica& replica : replicas) {
      std::string id = replica.replica_id;
      CHECK(desired.emplace(id, std::move(replica)).second);
    }
  }

  absl::Status CheckImage(const std::string& image_uri) override {
    return image_uri == bad_image ? absl::InvalidArgumentError("no such image") : absl::OkStatus();
  }

  void Observe(Observation::Kind kind, const std::string& replica_id) {
    observe_({.kind = kind, .replica_id = replica_id, .time = clock_.Now()});
  }

  void Exit(const std::string& replica_id, trainyard::runner::v1::ExitRecord exit) {
    observe_({.kind = Observation::Kind::kExited,
              .replica_id = replica_id,
              .time = clock_.Now(),
              .exit = std::move(exit)});
  }

  void Exit(const std::string& replica_id, int exit_code) {
    trainyard::runner::v1::ExitRecord exit;
    exit.set_exit_code(exit_code);
    exit.set_stage("run");
    Exit(replica_id, exit);
  }

  void Fail(const std::string& replica_id, absl::Status failure) {
    observe_({.kind = Observation::Kind::kFailed,
              .replica_id = replica_id,
              .time = clock_.Now(),
              .failure = std::move(failure)});
  }

  bool Wants(const std::string& replica_id) const { return desired.contains(replica_id); }

  std::map<std::string, DesiredReplica> desired;
  int set_desired_calls = 0;
  absl::Status start_status;
  std::string bad_image;

 private:
  const base::Clock& clock_;
  absl::AnyInvocable<void(Observation)> observe_;
};

}  // namespace trainyard::control
