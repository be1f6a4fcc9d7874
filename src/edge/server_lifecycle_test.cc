// Start, the change of certificates, and the end.
#include <gmock/gmock.h>

#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "edge/test_grpc_client.h"
#include "edge/test_server.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"

namespace trainyard::edge {
namespace {

namespace v1 = google::cloud::aiplatform::v1;
using testing::HasSubstr;

const std::string kService = "/google.cloud.aiplatform.v1.JobService/";
const std::string kJob = "projects/p/locations/us-central1/customJobs/1";
const std::string kCancelJob = "POST /v1/" + kJob + ":cancel";

class ServerLifecycleTest : public ServerTest {
 protected:
  absl::Status StartError(const ServerOptions& options) {
    return Server::Start(options, *methods_, {}, identity_, identity_, identity_, clock_).status();
  }
  std::unique_ptr<TestGrpcClient::Running> Hold(TestGrpcClient& client) {
    v1::CancelCustomJobRequest request;
    request.set_name(kJob);
    return client.Start(kService + "CancelCustomJob", request.SerializeAsString(), kGoodCredential,
                        absl::ZeroDuration());
  }
  bool GrpcWorks(const std::string& root_pem) {
    TestGrpcClient client(port(), root_pem);
    v1::GetCustomJobRequest request;
    v1::CustomJob job;
    request.set_name(kJob);
    return client.Call(kService + "GetCustomJob", request, job).ok();
  }
};

TEST_F(ServerLifecycleTest, ATakenPortSaysWhoHoldsItAndWhatToDo) {
  Start();
  ServerOptions options = options_;
  options.listen = absl::StrCat("127.0.0.1:", port());
  absl::Status status = StartError(options);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("port ", port())));
  EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("pid ", getpid())));
  EXPECT_THAT(std::string(status.message()), HasSubstr("--listen"));
}

TEST_F(ServerLifecycleTest, BadAddresses) {
  for (const char* address : {"", "8443", "localhost", "localhost:http", "127.0.0.1:70000",
                              "no-such-host.invalid:1", "198.51.100.1:0"}) {
    ServerOptions options = options_;
    options.listen = address;
    absl::Status status = StartError(options);
    EXPECT_FALSE(status.ok()) << address;
    EXPECT_THAT(std::string(status.message()), HasSubstr("--listen")) << address;
  }
}

TEST_F(ServerLifecycleTest, ListensOnEveryInterface) {
  options_.listen = "*:0";
  Start();
  EXPECT_EQ(Ask(Head("GET /healthz")).status, 200);
}

TEST_F(ServerLifecycleTest, BadCertificateFilesAreNamed) {
  ServerOptions options = options_;
  options.tls.certificate_chain = "/no/such/file.pem";
  EXPECT_THAT(std::string(StartError(options).message()), HasSubstr("/no/such/file.pem"));
  options = options_;
  std::ofstream(options.tls.private_key) << "no key";
  EXPECT_THAT(std::string(StartError(options).message()), HasSubstr(options.tls.private_key));
}

TEST_F(ServerLifecycleTest, ACertificateIsReplacedWhileRunning) {
  options_.http.idle = absl::Seconds(60);
  Start();
  const std::string first_pem = certificate_.pem();
  TestGrpcClient old_client(port(), first_pem);
  TestConnection old_connection = TestConnection::Tls(port());
  EXPECT_EQ(old_connection.ServerCommonName(), "first");
  ASSERT_TRUE(old_connection.Send(Head("GET /healthz")));
  EXPECT_EQ(old_connection.Receive().value_or(TestReply{}).status, 200);
  EXPECT_TRUE(GrpcWorks(first_pem));
  // Half a replacement changes nothing.
  std::ofstream(certificate_.files().private_key) << "half";
  absl::SleepFor(absl::Milliseconds(2500));
  EXPECT_EQ(TestConnection::Tls(port()).ServerCommonName(), "first");
  EXPECT_TRUE(GrpcWorks(first_pem));
  certificate_.Replace("second");
  absl::SleepFor(absl::Milliseconds(2500));
  EXPECT_EQ(TestConnection::Tls(port()).ServerCommonName(), "second");
  EXPECT_TRUE(GrpcWorks(certificate_.pem()));
  EXPECT_FALSE(GrpcWorks(first_pem));
  // What was open stays open.
  ASSERT_TRUE(old_connection.Send(Head("GET /healthz")));
  EXPECT_EQ(old_connection.Receive().value_or(TestReply{}).status, 200);
}

TEST_F(ServerLifecycleTest, ShutdownLetsRunningCallsFinish) {
  Start();
  TestGrpcClient client(port(), certificate_.pem());
  auto grpc_call = Hold(client);
  TestConnection rest_call = TestConnection::Tls(port());
  TestConnection idle = TestConnection::Tls(port());
  ASSERT_TRUE(rest_call.Send(Head(kCancelJob, "Content-Length: 2\r\n") + "{}"));
  ASSERT_TRUE(held_.Await(2));
  std::thread shutdown([&] { server_->Shutdown(); });
  EXPECT_TRUE(idle.ClosesWithin(absl::Seconds(5)));
  EXPECT_TRUE(TestConnection::Plain(port()).failed());
  held_.Release();
  EXPECT_TRUE(grpc_call->Await().ok());
  std::optional<TestReply> reply = rest_call.Receive();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->headers["connection"], "close");
  shutdown.join();
}

TEST_F(ServerLifecycleTest, ShutdownCutsOffWhatTakesTooLong) {
  options_.drain = absl::Milliseconds(500);
  Start();
  TestGrpcClient client(port(), certificate_.pem());
  auto grpc_call = Hold(client);
  TestConnection rest_call = TestConnection::Tls(port());
  TestConnection endless = TestConnection::Tls(port());
  TestConnection half_a_body = TestConnection::Tls(port());
  TestConnection half_a_hello = TestConnection::Plain(port());
  ASSERT_TRUE(rest_call.Send(Head(kCancelJob, "Content-Length: 2\r\n") + "{}"));
  ASSERT_TRUE(endless.Send(Head("GET /raw/endless")));
  ASSERT_TRUE(half_a_body.Send(Head("POST /raw/sink", "Content-Length: 9\r\n") + "x"));
  ASSERT_TRUE(half_a_hello.Send(std::string("\x16\x03\x01", 3)));
  ASSERT_TRUE(held_.Await(2));
  absl::Duration start = clock_.Monotonic();
  server_->Shutdown();
  EXPECT_LT(clock_.Monotonic() - start, absl::Seconds(5));
  EXPECT_FALSE(grpc_call->Await().ok());
  EXPECT_EQ(rest_call.Receive().value_or(TestReply{503, {}, ""}).status, 503);
  held_.Release();  // late replies go nowhere
}

TEST_F(ServerLifecycleTest, ShutdownTwiceAndUnused) {
  Start();
  server_->Shutdown();
  server_->Shutdown();
}

}  // namespace
}  // namespace trainyard::edge
