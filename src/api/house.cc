#include "api/house.h"

#include <stdlib.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"
#include "objects/objects.h"

namespace trainyard::api {
namespace {

namespace v1 = google::cloud::aiplatform::v1;
using trainyard::store::v1::AccountRecord;

// One key for all: making it costs a tenth of a second.
const std::string& PublicKey() {
  static const auto& pem = *new std::string([] {
    base::SystemRandom random;
    auto key = edge::MakeServiceAccountKey(random, "a@b.c", "p", "https://127.0.0.1/token");
    CHECK(key.ok());
    return key->public_key_pem;
  }());
  return pem;
}

AccountRecord Account(const std::string& email, const std::string& project,
                      const std::string& role) {
  AccountRecord account;
  account.set_email(email);
  AccountRecord::Key& key = *account.add_keys();
  key.set_id(absl::StrCat("key-of-", email.substr(0, email.find('@'))));
  key.set_public_key_pem(PublicKey());
  auto* binding = account.add_bindings();
  binding->set_project(project);
  binding->set_role(role);
  return account;
}

std::string TextAt(const google::protobuf::Message& message, const std::string& field) {
  return message.GetReflection()->GetString(message,
                                            message.GetDescriptor()->FindFieldByName(field));
}

}  // namespace

absl::Status IdleRuntime::Start(absl::AnyInvocable<void(control::Observation)> observe) {
  observe_ = std::move(observe);
  return absl::OkStatus();
}

void IdleRuntime::SetDesired(std::vector<control::DesiredReplica> replicas) {
  desired_.clear();
  for (const control::DesiredReplica& replica : replicas) desired_.push_back(replica.replica_id);
}

absl::Status IdleRuntime::CheckImage(const std::string& image_uri) {
  if (image_uri != refused_image) return absl::OkStatus();
  return absl::InvalidArgumentError("This is the name of no image.");
}

void IdleRuntime::Observe(control::Observation observation) { observe_(std::move(observation)); }

void IdleRuntime::Run() {
  for (const std::string& id : std::vector<std::string>(desired_)) {
    control::Observation observation;
    observation.kind = control::Observation::Kind::kRunning;
    observation.replica_id = id;
    Observe(std::move(observation));
  }
}

void IdleRuntime::End(int exit_code) {
  for (const std::string& id : std::vector<std::string>(desired_)) {
    control::Observation observation;
    observation.kind = control::Observation::Kind::kExited;
    observation.replica_id = id;
    observation.exit.set_exit_code(exit_code);
    observation.exit.set_stage("run");
    Observe(std::move(observation));
    control::Observation gone;
    gone.kind = control::Observation::Kind::kGone;
    gone.replica_id = id;
    Observe(std::move(gone));
  }
}

class House::Log : public control::JobLog {
 public:
  explicit Log(House& house) : house_(house) {}
  void Write(const std::string& job_id, absl::Time, bool error, const std::string& text) override {
    logs::WriterOptions options;
    options.directory = absl::StrCat("/logs/", job_id, "/service");
    auto writer = logs::Writer::Open(house_.disk, house_.clock, options);
    CHECK(writer.ok());
    CHECK((*writer)->AppendLine(logs::Stream::kService, text, error).ok());
    CHECK((*writer)->Flush().ok());
  }
  void Remove(const std::string& job_id) override { CHECK(house_.reader_.RemoveJob(job_id).ok()); }

 private:
  House& house_;
};

House::House() {
  char name[] = "/tmp/trainyard_api_test.XXXXXX";
  CHECK(mkdtemp(name) != nullptr);
  directory_ = name;
  auto opened = store::OpenSqliteStore({directory_ + "/store.db", std::string(32, 'k')});
  CHECK(opened.ok());
  store = *std::move(opened);
  accounts = std::make_unique<edge::AccountRegistry>(clock, std::string(32, 's'),
                                                     std::vector<std::string>{"localhost"});
  accounts->Replace({Account(kOwner, "*", "admin"), Account(kUser, "p", "user"),
                     Account(kViewer, "p", "viewer"), Account(kStranger, "q", "admin")});
  auto objects = objects::ObjectStore::Open({directory_ + "/buckets", directory_ + "/objects"},
                                            clock, system_random_);
  CHECK(objects.ok());
  objects_ = *std::move(objects);
  CHECK(objects_->CreateBucket("p", "bucket", "us-central1").ok());
  log_ = std::make_unique<Log>(*this);
  control::EngineOptions options;
  options.machine = {{8000, int64_t{64} << 30}, sched::Placement::kStrict};
  engine = control::Engine::Create(
      {engine_executor, clock, random_, *store, runtime, *log_, machines_}, options);
  CHECK(engine->Start().ok());
  auto table = edge::MethodTable::Create(edge::EmbeddedDescriptorSet());
  CHECK(table.ok());
  methods = *std::move(table);
  ServerFacts facts;
  facts.version = "1.2.3";
  facts.placement = "strict";
  facts.data_directory = "/data";
  facts.default_project = "home";
  facts.token_uri = "https://127.0.0.1:8443/token";
  facts.start_time = clock.Now();
  RegisterServices(*methods, Services{*engine,
                                      runtime,
                                      *store,
                                      reader_,
                                      *objects_,
                                      *accounts,
                                      machines_,
                                      clock,
                                      system_random_,
                                      waits,
                                      facts,
                                      {}});
  RunAll();
}

House::~House() {
  methods.reset();
  engine.reset();
  store.reset();
  objects_.reset();
  std::filesystem::remove_all(directory_);
}

void House::Begin(const std::string& method, const google::protobuf::Message& request,
                  const std::string& account, edge::Responder respond) {
  const edge::Method* found = methods->Find(method);
  if (found == nullptr || !found->implemented) return respond(absl::UnimplementedError(method));
  edge::Call call;
  call.caller.account = account;
  call.method = method;
  const edge::Registration& registration = found->registration;
  if (!registration.permission.empty()) {
    std::string resource =
        registration.resource_field.empty() ? "" : TextAt(request, registration.resource_field);
    absl::Status allowed = accounts->Check(call.caller, registration.permission, resource);
    if (!allowed.ok()) return respond(allowed);
  }
  registration.handler(call, request, std::move(respond));
}

void House::RunAll() {
  engine_executor.AdvanceBy(absl::Milliseconds(5));
  engine_executor.RunReady();
}

std::string House::Submit(const std::string& parent, const std::string& display_name,
                          const std::string& more) {
  v1::CreateCustomJobRequest request;
  request.set_parent(parent);
  std::string text = absl::StrCat(
      "display_name: '", display_name,
      "' job_spec { worker_pool_specs { machine_spec { machine_type: 'n1-standard-4' } "
      "container_spec { image_uri: 'python:3.11' } } } ",
      more);
  CHECK(google::protobuf::TextFormat::ParseFromString(text, request.mutable_custom_job()));
  auto job = Ask<v1::CustomJob>("google.cloud.aiplatform.v1.JobService/CreateCustomJob", request);
  CHECK(job.ok());
  clock.Advance(absl::Seconds(1));
  return job->name();
}

void House::Say(const std::string& job_id, const std::string& task, logs::Stream stream,
                const std::string& text) {
  logs::WriterOptions options;
  options.directory = absl::StrCat("/logs/", job_id, "/", task);
  auto writer = logs::Writer::Open(disk, clock, options);
  CHECK(writer.ok());
  CHECK((*writer)->AppendBytes(stream, text + "\n").ok());
  CHECK((*writer)->Flush().ok());
}

std::string IdOf(const std::string& name) { return name.substr(name.rfind('/') + 1); }

}  // namespace trainyard::api
