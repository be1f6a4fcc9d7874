#include "edge/dispatcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "base/mutex.h"
#include "edge/wire.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"
#include "google/cloud/aiplatform/v1/operation.pb.h"
#include "google/longrunning/operations.pb.h"
#include "google/protobuf/empty.pb.h"

namespace trainyard::edge {
namespace {

using google::cloud::aiplatform::v1::CreateCustomJobRequest;
using google::cloud::aiplatform::v1::CustomJob;
using google::cloud::aiplatform::v1::DeleteOperationMetadata;
using google::cloud::aiplatform::v1::GetCustomJobRequest;
using google::longrunning::GetOperationRequest;
using google::longrunning::Operation;

constexpr char kService[] = "/google.cloud.aiplatform.v1.JobService/";
constexpr char kJob[] = "projects/p/locations/us-central1/customJobs/1";

class FakeAuthenticator : public Authenticator {
 public:
  absl::StatusOr<Caller> Authenticate(absl::string_view authorization) override {
    if (authorization != "Bearer good") return absl::UnauthenticatedError("pass a token");
    return Caller{"me@x", "k1"};
  }
};

class FakePolicy : public Policy {
 public:
  absl::Status Check(const Caller& caller, absl::string_view permission,
                     absl::string_view resource) override {
    EXPECT_EQ(caller.account, "me@x");
    if (absl::StartsWith(resource, "projects/closed")) {
      return absl::PermissionDeniedError(std::string(permission));
    }
    return absl::OkStatus();
  }
};

class FakeAudit : public Audit {
 public:
  void Record(const AuditRecord& record) override EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    records_.push_back(record);
  }
  std::vector<AuditRecord> Take() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return std::exchange(records_, {});
  }

 private:
  base::Mutex mutex_;
  std::vector<AuditRecord> records_ GUARDED_BY(mutex_);
};

// Where a test waits for the one reply of a call.
template <typename Reply>
class Slot {
 public:
  void Put(Reply reply) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    EXPECT_FALSE(reply_.has_value()) << "a second reply";
    reply_ = std::move(reply);
    changed_.NotifyAll();
  }
  Reply Await() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    while (!reply_.has_value()) changed_.Wait(mutex_);
    return *reply_;
  }
  bool has() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return reply_.has_value();
  }

 private:
  base::Mutex mutex_;
  base::ConditionVariable changed_;
  std::optional<Reply> reply_ GUARDED_BY(mutex_);
};
using GrpcSlot = std::shared_ptr<Slot<absl::StatusOr<std::string>>>;

class DispatcherTest : public testing::Test {
 protected:
  void SetUp() override {
    table_ = MethodTable::Create(EmbeddedDescriptorSet()).value();
    table_->Register<GetCustomJobRequest>(
        "google.cloud.aiplatform.v1.JobService/GetCustomJob", "aiplatform.customJobs.get", "name",
        /*mutates=*/false,
        [this](const Call& call, const GetCustomJobRequest& request, Responder r) {
          Get(call, request, std::move(r));
        });
    table_->Register<CreateCustomJobRequest>(
        "google.cloud.aiplatform.v1.JobService/CreateCustomJob", "aiplatform.customJobs.create",
        "parent", /*mutates=*/true,
        [](const Call&, const CreateCustomJobRequest& request, Responder respond) {
          auto job = std::make_unique<CustomJob>(request.custom_job());
          job->set_name(request.parent() + "/customJobs/1");
          respond(Response(std::move(job)));
        });
    table_->Register<GetOperationRequest>(
        "google.longrunning.Operations/GetOperation", "", "name", /*mutates=*/false,
        [](const Call&, const GetOperationRequest& request, Responder respond) {
          auto operation = std::make_unique<Operation>();
          operation->set_name(request.name());
          operation->mutable_metadata()->PackFrom(DeleteOperationMetadata());
          respond(Response(std::move(operation)));
        });
  }

  void Get(const Call& call, const GetCustomJobRequest& request, Responder respond) {
    {
      base::MutexLock lock(mutex_);
      last_call_ = call;
    }
    const std::string& name = request.name();
    if (absl::EndsWith(name, "/drop")) return;
    if (absl::EndsWith(name, "/hold")) {
      held_ = std::make_shared<Responder>(std::move(respond));
      held_is_set_.Put(true);
      return;
    }
    if (absl::EndsWith(name, "/missing")) return respond(absl::NotFoundError("no such job"));
    if (absl::EndsWith(name, "/block")) {
      blocked_.Put(true);
      gate_.Await();
    }
    auto job = std::make_unique<CustomJob>();
    job->set_name(name);
    job->mutable_error()->add_details()->PackFrom(DeleteOperationMetadata());
    respond(Response(std::move(job)));
  }

  Call last_call() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return last_call_;
  }

  Dispatcher& Start(DispatcherOptions options = {}) {
    dispatcher_ = std::make_unique<Dispatcher>(*table_, authenticator_, policy_, audit_, clock_,
                                               std::move(options));
    return *dispatcher_;
  }

  GrpcSlot Send(GrpcCall call) {
    auto slot = std::make_shared<Slot<absl::StatusOr<std::string>>>();
    dispatcher_->DispatchGrpc(std::move(call), [slot](auto reply) { slot->Put(std::move(reply)); });
    return slot;
  }
  GrpcSlot SendGet(const std::string& name, absl::Time deadline = absl::InfiniteFuture()) {
    GetCustomJobRequest request;
    request.set_name(name);
    return Send({std::string(kService) + "GetCustomJob", "Bearer good", "peer", deadline,
                 request.SerializeAsString()});
  }
  absl::Status Code(const std::string& method, const std::string& authorization,
                    const std::string& bytes) {
    return Send({method, authorization, "peer", absl::InfiniteFuture(), bytes})->Await().status();
  }

  RestReply Rest(RestCall call, const std::string& body = "") {
    if (auto refusal = dispatcher_->AdmitRest(call)) return *refusal;
    call.body = body;
    auto slot = std::make_shared<Slot<RestReply>>();
    dispatcher_->DispatchRest(std::move(call), [slot](RestReply reply) { slot->Put(reply); });
    return slot->Await();
  }
  RestReply Rest(const std::string& verb, const std::string& path, const std::string& query = "",
                 const std::string& body = "") {
    return Rest({verb, path, query, {{"authorization", "Bearer good"}}, "peer", "", {}}, body);
  }

  FakeAuthenticator authenticator_;
  FakePolicy policy_;
  FakeAudit audit_;
  base::RealClock clock_;
  std::unique_ptr<MethodTable> table_;
  base::Mutex mutex_;
  Call last_call_ GUARDED_BY(mutex_);
  std::shared_ptr<Responder> held_;
  Slot<bool> held_is_set_;
  Slot<bool> blocked_;
  Slot<bool> gate_;
  std::unique_ptr<Dispatcher> dispatcher_;  // ends before all that its handlers touch
};

TEST_F(DispatcherTest, Grpc) {
  Start();
  auto reply = SendGet(kJob)->Await();
  ASSERT_TRUE(reply.ok()) << reply.status();
  CustomJob job;
  ASSERT_TRUE(job.ParseFromString(*reply));
  EXPECT_EQ(job.name(), kJob);
  EXPECT_EQ(last_call().caller.account, "me@x");
  EXPECT_EQ(last_call().method, "google.cloud.aiplatform.v1.JobService/GetCustomJob");
  EXPECT_EQ(last_call().version, "v1");
  EXPECT_FALSE(last_call().rest);
  EXPECT_EQ(SendGet(std::string(kJob) + "/missing")->Await().status(),
            absl::NotFoundError("no such job"));
}

TEST_F(DispatcherTest, RefusalsInTheirOrder) {
  Start();
  const std::string get = std::string(kService) + "GetCustomJob";
  GetCustomJobRequest request;
  request.set_name("projects/closed/locations/us-central1/customJobs/1");
  const std::string closed = request.SerializeAsString();
  request.set_name("projects/closed/locations/mars/customJobs/1");
  const std::string mars = request.SerializeAsString();
  request.set_name("projects/p q/locations/us-central1/customJobs/1");
  const std::string bad_project = request.SerializeAsString();
  const struct {
    std::string method;
    std::string authorization;
    std::string bytes;
    absl::StatusCode code;
    const char* text;
  } rows[] = {
      {"/no.Such/Method", "", "", absl::StatusCode::kUnauthenticated, "pass a token"},
      {get, "Bearer bad", "\xFF", absl::StatusCode::kUnauthenticated, "pass a token"},
      {"/no.Such/Method", "Bearer good", "", absl::StatusCode::kUnimplemented, "no.Such/Method"},
      {"/google.cloud.aiplatform.v1.JobService/CreateNasJob", "Bearer good", "\xFF",
       absl::StatusCode::kUnimplemented, "google.cloud.aiplatform.v1.JobService/CreateNasJob"},
      {"/google.cloud.aiplatform.v1.PredictionService/StreamingPredict", "Bearer good", "",
       absl::StatusCode::kUnimplemented, "StreamingPredict"},
      {get, "Bearer good", "\xFF", absl::StatusCode::kInvalidArgument, "no valid"},
      {get, "Bearer good", std::string("\x0A\x01\xFF", 3), absl::StatusCode::kInvalidArgument,
       "UTF-8"},
      {get, "Bearer good", "", absl::StatusCode::kInvalidArgument, "'name' is not set"},
      {get, "Bearer good", bad_project, absl::StatusCode::kInvalidArgument,
       "'p q' is not a project"},
      {get, "Bearer good", mars, absl::StatusCode::kInvalidArgument, "us-central1"},
      {get, "Bearer good", closed, absl::StatusCode::kPermissionDenied,
       "aiplatform.customJobs.get"},
  };
  for (const auto& row : rows) {
    absl::Status status = Code(row.method, row.authorization, row.bytes);
    EXPECT_EQ(status.code(), row.code) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), row.text)) << status;
  }
  EXPECT_TRUE(audit_.Take().empty());
}

TEST_F(DispatcherTest, ListedPlaces) {
  DispatcherOptions options;
  options.projects = {"p", "q"};
  options.locations = {"europe-west4"};
  Start(options);
  EXPECT_EQ(SendGet(kJob)->Await().status().message(),
            "Location 'us-central1' is not served here; the locations are: europe-west4.");
  EXPECT_EQ(SendGet("projects/r/locations/europe-west4/customJobs/1")->Await().status().message(),
            "Project 'r' is not served here; the projects are: p, q.");
  EXPECT_TRUE(SendGet("projects/q/locations/europe-west4/customJobs/1")->Await().ok());
}

TEST_F(DispatcherTest, BetaIsServedByTheStableHandler) {
  Start();
  GetCustomJobRequest request;
  request.set_name(kJob);
  auto reply = Send({"/google.cloud.aiplatform.v1beta1.JobService/GetCustomJob", "Bearer good", "",
                     absl::InfiniteFuture(), request.SerializeAsString()})
                   ->Await();
  ASSERT_TRUE(reply.ok()) << reply.status();
  CustomJob job;
  ASSERT_TRUE(job.ParseFromString(*reply));
  EXPECT_EQ(last_call().version, "v1beta1");
  EXPECT_EQ(job.error().details(0).type_url(),
            "type.googleapis.com/google.cloud.aiplatform.v1beta1.DeleteOperationMetadata");
  // The same operation, to each client in its own version.
  for (const std::string version : {"v1", "v1beta1"}) {
    RestReply rest = Rest("GET", "/" + version + "/projects/p/locations/us-central1/operations/1");
    EXPECT_EQ(rest.status, 200);
    EXPECT_TRUE(absl::StrContains(
        rest.body, "google.cloud.aiplatform." + version + ".DeleteOperationMetadata"))
        << rest.body;
  }
}

TEST_F(DispatcherTest, RestInAndOut) {
  Start();
  RestReply reply =
      Rest("POST", "/v1/projects/p/locations/us-central1/customJobs",
           "$alt=json;enum-encoding=int&prettyPrint=false", R"({"displayName":"d","state":3})");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"name":"projects/p/locations/us-central1/customJobs/1",)"
                        R"("displayName":"d","state":3})");
  EXPECT_EQ(reply.headers[0].second, "application/json; charset=UTF-8");
  reply = Rest({"GET",
                std::string("/v1/") + kJob,
                "prettyPrint=false",
                {{"authorization", "Bearer good"}, {"x-goog-fieldmask", "error"}}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(absl::StartsWith(reply.body, R"({"error":)")) << reply.body;
  EXPECT_TRUE(last_call().rest);
  EXPECT_LT(last_call().deadline, absl::InfiniteFuture());
}

TEST_F(DispatcherTest, RestRefusals) {
  Start();
  const std::string jobs = "/v1/projects/p/locations/us-central1/customJobs";
  const struct {
    const char* verb;
    std::string path;
    const char* query;
    const char* body;
    int status;
    const char* text;
  } rows[] = {
      {"GET", "/v1/nothing", "", "", 404, "\"NOT_FOUND\""},
      {"PUT", jobs, "", "", 405, "it takes "},
      {"GET", "/v1/projects/p/locations/us-central1/nasJobs", "", "", 501,
       "JobService/ListNasJobs"},
      {"GET", jobs + "/1", "alt=proto", "", 400, "alt=proto"},
      {"GET", jobs + "/1", "x=1", "", 400, "Unknown name"},
      {"GET", jobs + "/1", "fields=nme", "", 400, "no field 'nme'"},
      {"POST", jobs, "", "{\"x\":1}", 400, "fieldViolations"},
      {"POST", jobs, "", "{", 400, "Invalid JSON payload received."},
      {"GET", "/v1/projects/p/locations/mars/customJobs/1", "", "", 400, "us-central1"},
      {"GET", "/v1/projects/closed/locations/us-central1/customJobs/1", "", "", 403,
       "PERMISSION_DENIED"},
      {"GET", jobs + "/missing", "", "", 404, "no such job"},
  };
  for (const auto& row : rows) {
    RestReply reply = Rest(row.verb, row.path, row.query, row.body);
    EXPECT_EQ(reply.status, row.status) << reply.body;
    EXPECT_TRUE(absl::StrContains(reply.body, row.text)) << reply.body;
  }
  for (const std::string& path : {jobs, std::string("/v1/nothing")}) {
    RestReply reply = Rest({"GET", path, "", {}, "peer", "", {}});
    EXPECT_EQ(reply.status, 401) << reply.body;
    EXPECT_TRUE(absl::StrContains(reply.body, "pass a token"));
  }
  RestReply reply =
      Rest({"POST", jobs, "", {{"authorization", "Bearer good"}, {"content-encoding", "gzip"}}});
  EXPECT_EQ(reply.status, 400);
}

// gcloud sends a GET with a long query so.
TEST_F(DispatcherTest, MethodOverride) {
  Start();
  RestCall call = {"POST",
                   std::string("/v1/") + kJob,
                   "",
                   {{"authorization", "Bearer good"},
                    {"x-http-method-override", "get"},
                    {"content-type", "application/x-www-form-urlencoded"}},
                   "peer",
                   "",
                   {}};
  RestReply reply = Rest(call, "prettyPrint=false&fields=name");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, std::string(R"({"name":")") + kJob + "\"}");
}

TEST_F(DispatcherTest, MutatingCallsAreAudited) {
  Start();
  const std::string jobs = "/v1/projects/p/locations/us-central1/customJobs";
  Rest("POST", jobs, "", "{}");
  Rest("POST", jobs, "", "{");
  Rest("POST", jobs, "alt=proto", "{}");
  Rest({"POST", jobs, "", {}, "peer", "", {}});
  Rest("POST", "/v1/projects/closed/locations/us-central1/customJobs", "", "{}");
  EXPECT_FALSE(Code(std::string(kService) + "CreateCustomJob", "", "").ok());
  Rest("GET", std::string("/v1/") + kJob);
  Rest("POST", jobs, "fields=nothing", "{}");  // refused before it has an effect
  std::vector<AuditRecord> records = audit_.Take();
  const struct {
    absl::StatusCode code;
    const char* account;
    const char* resource;
  } rows[] = {
      {absl::StatusCode::kOk, "me@x", "projects/p/locations/us-central1"},
      {absl::StatusCode::kInvalidArgument, "me@x", ""},
      {absl::StatusCode::kInvalidArgument, "me@x", ""},
      {absl::StatusCode::kUnauthenticated, "", ""},
      {absl::StatusCode::kPermissionDenied, "me@x", "projects/closed/locations/us-central1"},
      {absl::StatusCode::kUnauthenticated, "", ""},
      {absl::StatusCode::kInvalidArgument, "me@x", ""},
  };
  ASSERT_EQ(records.size(), std::size(rows));
  for (size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].status.code(), rows[i].code) << i;
    EXPECT_EQ(records[i].call.caller.account, rows[i].account) << i;
    EXPECT_EQ(records[i].resource, rows[i].resource) << i;
    EXPECT_EQ(records[i].permission, "aiplatform.customJobs.create") << i;
    EXPECT_EQ(records[i].call.peer, "peer") << i;
  }
}

TEST_F(DispatcherTest, EveryCallHasOneReply) {
  Start();
  EXPECT_EQ(SendGet(std::string(kJob) + "/drop")->Await().status().code(),
            absl::StatusCode::kInternal);
  GrpcSlot late = SendGet(std::string(kJob) + "/hold", clock_.Now() + absl::Milliseconds(30));
  EXPECT_EQ(late->Await().status().code(), absl::StatusCode::kDeadlineExceeded);
  held_is_set_.Await();
  (*held_)(absl::NotFoundError("too late"));  // Slot fails on a second reply
  EXPECT_EQ(SendGet(kJob, clock_.Now() - absl::Seconds(1))->Await().status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(DispatcherTest, TheEndAnswersWhatIsHeld) {
  Start();
  GrpcSlot held = SendGet(std::string(kJob) + "/hold");
  held_is_set_.Await();
  EXPECT_FALSE(held->has());
  dispatcher_.reset();
  EXPECT_EQ(held->Await().status().code(), absl::StatusCode::kUnavailable);
  (*held_)(absl::NotFoundError("after the end"));
}

TEST_F(DispatcherTest, AFullQueueAnswersAtOnce) {
  DispatcherOptions options;
  options.call_threads = 1;
  options.call_queue_max = 1;
  Start(options);
  GrpcSlot running = SendGet(std::string(kJob) + "/block");
  blocked_.Await();
  GrpcSlot queued = SendGet(kJob);
  GrpcSlot refused = SendGet(kJob);
  EXPECT_EQ(refused->Await().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(running->has());
  gate_.Put(true);
  EXPECT_TRUE(running->Await().ok());
  EXPECT_TRUE(queued->Await().ok());
}

// Threads that answer, deadlines that pass and the end of the dispatcher, all at once.
TEST_F(DispatcherTest, ManyCallsAtOnce) {
  Start();
  std::atomic<int> replies = 0;
  constexpr int kCalls = 2000;
  for (int i = 0; i < kCalls; ++i) {
    GetCustomJobRequest request;
    request.set_name(i % 3 == 0 ? std::string(kJob) + "/drop" : kJob);
    dispatcher_->DispatchGrpc({std::string(kService) + "GetCustomJob", "Bearer good", "",
                               clock_.Now() + absl::Microseconds(i), request.SerializeAsString()},
                              [&](auto) { ++replies; });
  }
  dispatcher_.reset();
  EXPECT_EQ(replies, kCalls);
}

}  // namespace
}  // namespace trainyard::edge
