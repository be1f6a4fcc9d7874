// A whole server without network and processes, for tests: real engine, store, logs, buckets (one,
// "bucket"), accounts and method table; the runtime runs nothing.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "api/services.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/fake_disk.h"
#include "base/random.h"
#include "control/engine.h"
#include "control/runtime.h"
#include "edge/identity.h"
#include "edge/method_table.h"
#include "google/protobuf/text_format.h"
#include "logs/logs.h"
#include "store/store.h"

namespace trainyard::api {

class IdleRuntime : public control::Runtime {
 public:
  absl::Status Start(absl::AnyInvocable<void(control::Observation)> observe) override;
  void SetDesired(std::vector<control::DesiredReplica> replicas) override;
  absl::Status CheckImage(const std::string& image_uri) override;
  // Every desired replica runs; ends with the exit code; is gone.
  void Run();
  void End(int exit_code);

  std::string refused_image;

 private:
  void Observe(control::Observation observation);
  absl::AnyInvocable<void(control::Observation)> observe_;
  std::vector<std::string> desired_;
};

class House {
 public:
  static constexpr char kOwner[] = "owner@p.iam.gserviceaccount.com";  // admin everywhere
  static constexpr char kUser[] = "user@p.iam.gserviceaccount.com";    // user of project p
  static constexpr char kViewer[] = "viewer@p.iam.gserviceaccount.com";
  static constexpr char kStranger[] = "stranger@q.iam.gserviceaccount.com";  // admin of project q
  static constexpr char kParent[] = "projects/p/locations/us-central1";

  House();
  ~House();

  // A call as the edge makes it: permission first, then the handler. Runs the engine until the
  // answer is there; INTERNAL when none came.
  template <typename Reply, typename Request>
  absl::StatusOr<Reply> Ask(const std::string& method, const Request& request,
                            const std::string& account = kOwner) {
    std::optional<edge::Response> response;
    Begin(method, request, account, [&](edge::Response got) { response = std::move(got); });
    RunAll();
    if (!response.has_value()) return absl::InternalError("no answer");
    if (!response->ok()) return response->status();
    return static_cast<const Reply&>(***response);
  }
  // The same from text format.
  template <typename Reply, typename Request>
  absl::StatusOr<Reply> AskText(const std::string& method, const std::string& request,
                                const std::string& account = kOwner) {
    Request parsed;
    if (!google::protobuf::TextFormat::ParseFromString(request, &parsed)) {
      return absl::InternalError("bad text");
    }
    return Ask<Reply>(method, parsed, account);
  }
  // Without waiting for the answer.
  void Begin(const std::string& method, const google::protobuf::Message& request,
             const std::string& account, edge::Responder respond);
  void RunAll();

  // The name of a new job in `parent`.
  std::string Submit(const std::string& parent = kParent, const std::string& display_name = "job",
                     const std::string& more = "");
  // Appends lines to a job's log, with the clock's time.
  void Say(const std::string& job_id, const std::string& task, logs::Stream stream,
           const std::string& text);

  base::FakeClock clock;
  base::FakeExecutor engine_executor{clock};
  base::FakeExecutor waits{clock};
  base::FakeDisk disk{clock};
  IdleRuntime runtime;
  std::unique_ptr<edge::AccountRegistry> accounts;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<control::Engine> engine;
  std::unique_ptr<edge::MethodTable> methods;

 private:
  class Log;
  base::SeededRandom random_{1};
  base::SystemRandom system_random_;
  std::string directory_;
  model::MachineCatalog machines_;
  logs::Reader reader_{disk, "/logs"};
  std::unique_ptr<objects::ObjectStore> objects_;
  std::unique_ptr<control::JobLog> log_;
};

// The last part of a name.
std::string IdOf(const std::string& name);

}  // namespace trainyard::api
