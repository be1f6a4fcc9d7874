// The gRPC side, through a client that knows no generated stub.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "edge/reflection.h"
#include "edge/test_grpc_client.h"
#include "edge/test_server.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpc/health/v1/health.pb.h"

namespace trainyard::edge {
namespace {

namespace v1 = google::cloud::aiplatform::v1;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using testing::HasSubstr;

const std::string kService = "/google.cloud.aiplatform.v1.JobService/";
const std::string kJob = "projects/p/locations/us-central1/customJobs/1";

class ServerGrpcTest : public ServerTest {
 protected:
  void SetUp() override {
    RegisterHealth(*methods_);
    Start();
    client_ = std::make_unique<TestGrpcClient>(port(), certificate_.pem());
  }
  std::unique_ptr<TestGrpcClient::Running> Hold(absl::Duration timeout = absl::ZeroDuration()) {
    v1::CancelCustomJobRequest request;
    request.set_name(kJob);
    return client_->Start(kService + "CancelCustomJob", request.SerializeAsString(),
                          kGoodCredential, timeout);
  }

  std::unique_ptr<TestGrpcClient> client_;
};

TEST_F(ServerGrpcTest, AnswersACall) {
  v1::GetCustomJobRequest request;
  v1::CustomJob job;
  request.set_name(kJob);
  grpc::Status status = client_->Call(kService + "GetCustomJob", request, job);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(job.name(), kJob);
}

TEST_F(ServerGrpcTest, ErrorsCarryTheirDetails) {
  v1::GetCustomJobRequest request;
  v1::CustomJob job;
  request.set_name("projects/p/locations/us-central1/customJobs/404");
  grpc::Status status = client_->Call(kService + "GetCustomJob", request, job);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "There is no such job.");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::ErrorInfo info;
  ASSERT_EQ(details.details_size(), 1);
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "NO_SUCH_JOB");
}

TEST_F(ServerGrpcTest, Refusals) {
  struct Case {
    std::string method;
    std::string request;
    std::string credential;
    grpc::StatusCode code;
  };
  v1::GetCustomJobRequest get;
  get.set_name(kJob);
  const std::string good = get.SerializeAsString();
  const std::vector<Case> cases = {
      {kService + "GetCustomJob", good, "", grpc::StatusCode::UNAUTHENTICATED},
      {kService + "GetCustomJob", good, "Bearer bad", grpc::StatusCode::UNAUTHENTICATED},
      {kService + "GetCustomJob", "\xff\xff", kGoodCredential, grpc::StatusCode::INVALID_ARGUMENT},
      {kService + "CreateHyperparameterTuningJob", "", kGoodCredential,
       grpc::StatusCode::UNIMPLEMENTED},
      {kService + "NoSuchMethod", "", kGoodCredential, grpc::StatusCode::UNIMPLEMENTED},
      {"/no.such.Service/Method", "", kGoodCredential, grpc::StatusCode::UNIMPLEMENTED},
      {"/", "", kGoodCredential, grpc::StatusCode::UNIMPLEMENTED},
      {kService + "CreateCustomJob", std::string(11 << 20, '\x08'), kGoodCredential,
       grpc::StatusCode::RESOURCE_EXHAUSTED},
  };
  for (const Case& c : cases) {
    auto call = client_->Start(c.method, c.request, c.credential, absl::Seconds(30));
    grpc::Status status = call->Await();
    EXPECT_EQ(status.error_code(), c.code) << c.method << ": " << status.error_message();
    EXPECT_FALSE(status.error_message().empty()) << c.method;
  }
}

// Ten million zeros are ten thousand bytes on the wire.
TEST_F(ServerGrpcTest, CompressedMessagesAreRefusedUnread) {
  auto call = client_->Start(kService + "CreateCustomJob", std::string(40 << 20, '\0'),
                             kGoodCredential, absl::Seconds(30), /*compressed=*/true);
  EXPECT_EQ(call->Await().error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(ServerGrpcTest, LargeMessagesBothWays) {
  v1::CreateCustomJobRequest request;
  request.set_parent("projects/p/locations/us-central1");
  request.mutable_custom_job()->set_display_name(std::string(9 << 20, 'x'));
  v1::CustomJob job;
  grpc::Status status = client_->Call(kService + "CreateCustomJob", request, job);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(job.display_name().size(), 9 << 20);
}

TEST_F(ServerGrpcTest, ManyCallsOnManyConnections) {
  std::vector<TestGrpcClient> clients;
  for (int i = 0; i < 8; ++i) clients.emplace_back(port(), certificate_.pem());
  std::vector<std::unique_ptr<TestGrpcClient::Running>> calls;
  for (int i = 0; i < 2000; ++i) {
    v1::GetCustomJobRequest request;
    request.set_name(absl::StrCat("projects/p/locations/us-central1/customJobs/", 1000 + i));
    calls.push_back(clients[static_cast<size_t>(i % 8)].Start(kService + "GetCustomJob",
                                                              request.SerializeAsString(),
                                                              kGoodCredential, absl::Seconds(60)));
  }
  for (int i = 0; i < 2000; ++i) {
    auto& call = *calls[static_cast<size_t>(i)];
    ASSERT_TRUE(call.Await().ok());
    v1::CustomJob job;
    ASSERT_TRUE(job.ParseFromString(call.response()));
    EXPECT_THAT(job.name(), testing::EndsWith(absl::StrCat("/", 1000 + i)));
  }
}

TEST_F(ServerGrpcTest, ACancelledCallEndsAndItsLateReplyIsDropped) {
  auto call = Hold();
  ASSERT_TRUE(held_.Await(1));
  call->Cancel();
  EXPECT_EQ(call->Await().error_code(), grpc::StatusCode::CANCELLED);
  held_.Release();
  v1::GetCustomJobRequest request;
  v1::CustomJob job;
  request.set_name(kJob);
  EXPECT_TRUE(client_->Call(kService + "GetCustomJob", request, job).ok());
}

TEST_F(ServerGrpcTest, AClientThatDoesNotReadItsReplyLosesTheCall) {
  v1::CreateCustomJobRequest request;
  request.set_parent("projects/p/locations/us-central1");
  request.mutable_custom_job()->set_display_name(std::string(5 << 20, 'x'));
  grpc::Status status = client_->CallWithoutReading(kService + "CreateCustomJob",
                                                    request.SerializeAsString(), absl::Seconds(3));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED) << status.error_message();
}

TEST_F(ServerGrpcTest, TheDeadlineIsKept) {
  auto call = Hold(absl::Milliseconds(300));
  absl::Duration start = clock_.Monotonic();
  EXPECT_EQ(call->Await().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_LT(clock_.Monotonic() - start, absl::Seconds(5));
  held_.Release();
}

TEST_F(ServerGrpcTest, Reflection) {
  for (const char* version : {"v1", "v1alpha"}) {
    const std::string method =
        absl::StrCat("/grpc.reflection.", version, ".ServerReflection/ServerReflectionInfo");
    // list_services (field 7), twice.
    std::vector<std::string> answers;
    grpc::Status status =
        client_->Exchange(method, {"\x3a\x01*", "\x3a\x01*"}, kGoodCredential, answers);
    EXPECT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_THAT(answers[1], HasSubstr("google.cloud.aiplatform.v1.JobService"));
    answers.clear();
    EXPECT_EQ(client_->Exchange(method, {"\x3a\x01*"}, "", answers).error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(client_->Exchange(method, {"\xff\xff"}, kGoodCredential, answers).error_code(),
              grpc::StatusCode::INVALID_ARGUMENT);
  }
}

TEST_F(ServerGrpcTest, HealthIsCheckedAndWatched) {
  HealthCheckRequest request;
  HealthCheckResponse response;
  ASSERT_TRUE(client_->Call("/grpc.health.v1.Health/Check", request, response).ok());
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  // A watcher gets one message, and the end when the server shuts down, at once.
  struct Watcher {
    std::string service;
    HealthCheckResponse::ServingStatus want;
    std::vector<std::string> answers;
    grpc::Status status;
  };
  std::vector<Watcher> watchers = {
      {"", HealthCheckResponse::SERVING, {}, {}},
      {"no.such.Service", HealthCheckResponse::SERVICE_UNKNOWN, {}, {}}};
  std::vector<std::thread> threads;
  for (Watcher& watcher : watchers) {
    threads.emplace_back([&] {
      HealthCheckRequest watched;
      watched.set_service(watcher.service);
      watcher.status = client_->Watch("/grpc.health.v1.Health/Watch", watched.SerializeAsString(),
                                      watcher.answers);
    });
  }
  absl::SleepFor(absl::Seconds(1));
  absl::Duration start = clock_.Monotonic();
  server_->Shutdown();
  EXPECT_LT(clock_.Monotonic() - start, absl::Seconds(5));
  for (std::thread& thread : threads) thread.join();
  for (const Watcher& watcher : watchers) {
    EXPECT_EQ(watcher.status.error_code(), grpc::StatusCode::UNAVAILABLE);
    ASSERT_EQ(watcher.answers.size(), 1u) << watcher.service;
    ASSERT_TRUE(response.ParseFromString(watcher.answers[0]));
    EXPECT_EQ(response.status(), watcher.want);
  }
}

}  // namespace
}  // namespace trainyard::edge
