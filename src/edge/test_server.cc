#include "edge/test_server.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "edge/errors.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"
#include "google/protobuf/empty.pb.h"
#include "google/rpc/error_details.pb.h"

namespace trainyard::edge {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

void GetCustomJob(const Call&, const v1::GetCustomJobRequest& request, Responder respond) {
  if (absl::EndsWith(request.name(), "/404")) {
    google::rpc::ErrorInfo detail;
    detail.set_reason("NO_SUCH_JOB");
    return respond(WithDetail(absl::NotFoundError("There is no such job."), detail));
  }
  auto job = std::make_unique<v1::CustomJob>();
  job->set_name(request.name());
  respond(std::move(job));
}

void CreateCustomJob(const Call&, const v1::CreateCustomJobRequest& request, Responder respond) {
  respond(std::make_unique<v1::CustomJob>(request.custom_job()));
}

void Echo(HttpRequest& request, HttpWriter& writer) {
  if (!writer.Start(200, {{"content-type", "application/octet-stream"}}, -1).ok()) return;
  while (true) {
    absl::StatusOr<std::string> piece = request.body->Read(100'000);
    if (!piece.ok() || piece->empty()) return;
    if (!writer.Write(*piece).ok()) return;
  }
}

void Sink(HttpRequest& request, HttpWriter& writer) {
  size_t count = 0;
  while (true) {
    absl::StatusOr<std::string> piece = request.body->Read(1 << 20);
    if (!piece.ok()) return WriteError(writer, piece.status());
    if (piece->empty()) break;
    count += piece->size();
  }
  std::string body = absl::StrCat(count, " bytes from ", request.caller.account);
  writer.Start(200, {}, static_cast<int64_t>(body.size())).IgnoreError();
  writer.Write(body).IgnoreError();
}

void Early(HttpRequest&, HttpWriter& writer) {
  writer.Start(403, {}, 2).IgnoreError();
  writer.Write("no").IgnoreError();
}

void Split(HttpRequest& request, HttpWriter& writer) {
  writer.Start(200, {{"x-name", std::string(request.Query("name"))}}, 0).IgnoreError();
}

void Short(HttpRequest&, HttpWriter& writer) {
  writer.Start(200, {}, 10).IgnoreError();
  writer.Write("four").IgnoreError();
}

void Long(HttpRequest&, HttpWriter& writer) {
  writer.Start(200, {}, 4).IgnoreError();
  CHECK(!writer.Write("too long").ok());
  writer.Write("four").IgnoreError();
}

// Until the client does not take it any more.
void Endless(HttpRequest&, HttpWriter& writer) {
  writer.Start(200, {}, -1).IgnoreError();
  while (writer.Write(std::string(64 << 10, 'x')).ok()) {
  }
}

void Open(HttpRequest& request, HttpWriter& writer) {
  std::string body = absl::StrCat(request.method, " ", request.path, " ",
                                  request.caller.account.empty() ? "nobody" : "somebody");
  for (const auto& [name, value] : request.query) absl::StrAppend(&body, " ", name, "=", value);
  writer.Start(200, {{"content-type", "text/plain"}}, static_cast<int64_t>(body.size()))
      .IgnoreError();
  writer.Write(body).IgnoreError();
}

}  // namespace

absl::StatusOr<Caller> TestIdentity::Authenticate(absl::string_view authorization) {
  if (authorization == kGoodCredential) return Caller{"owner@example.com", "1"};
  return absl::UnauthenticatedError("Pass the header \"Authorization: Bearer TOKEN\".");
}

absl::Status TestIdentity::Check(const Caller&, absl::string_view, absl::string_view) {
  return absl::OkStatus();
}

void HeldCalls::Hold(Responder respond) {
  base::MutexLock lock(mutex_);
  held_.push_back(std::move(respond));
  changed_.NotifyAll();
}

bool HeldCalls::Await(size_t count) {
  base::MutexLock lock(mutex_);
  for (int i = 0; i < 200 && held_.size() < count; ++i) {
    changed_.WaitFor(mutex_, absl::Milliseconds(100));
  }
  return held_.size() >= count;
}

void HeldCalls::Release() {
  std::vector<Responder> held;
  {
    base::MutexLock lock(mutex_);
    held.swap(held_);
  }
  for (Responder& respond : held) respond(std::make_unique<google::protobuf::Empty>());
}

ServerTest::ServerTest() : options_(Options()) {
  options_.tls = certificate_.files();
  auto methods = MethodTable::Create(EmbeddedDescriptorSet());
  CHECK(methods.ok());
  methods_ = *std::move(methods);
  RegisterMethods();
}

ServerTest::~ServerTest() {
  held_.Release();
  server_.reset();
}

void ServerTest::RegisterMethods() {
  const std::string service = "google.cloud.aiplatform.v1.JobService/";
  methods_->Register<v1::GetCustomJobRequest>(service + "GetCustomJob", "aiplatform.customJobs.get",
                                              "name", false, GetCustomJob);
  methods_->Register<v1::CreateCustomJobRequest>(
      service + "CreateCustomJob", "aiplatform.customJobs.create", "parent", true, CreateCustomJob);
  methods_->Register<v1::CancelCustomJobRequest>(
      service + "CancelCustomJob", "aiplatform.customJobs.cancel", "name", true,
      [this](const Call&, const v1::CancelCustomJobRequest&, Responder respond) {
        held_.Hold(std::move(respond));
      });
}

std::vector<HttpRoute> ServerTest::Routes() {
  return {{"/raw/echo", false, Echo},   {"/raw/sink", false, Sink},
          {"/raw/early", false, Early}, {"/raw/silent", false, [](HttpRequest&, HttpWriter&) {}},
          {"/raw/split", false, Split}, {"/raw/short", false, Short},
          {"/raw/long", false, Long},   {"/raw/endless", false, Endless},
          {"/open/", true, Open}};
}

ServerOptions ServerTest::Options() {
  ServerOptions options;
  options.listen = "127.0.0.1:0";
  options.call_threads = 4;
  options.connections_max = 64;
  options.drain = absl::Seconds(10);
  options.first_bytes = absl::Milliseconds(500);
  options.http.handshake = absl::Milliseconds(500);
  options.http.header = absl::Milliseconds(700);
  options.http.idle = absl::Seconds(1);
  options.http.body = absl::Milliseconds(700);
  options.http.linger = absl::Milliseconds(300);
  return options;
}

void ServerTest::Start(const ServerOptions& options) {
  auto server =
      Server::Start(options, *methods_, Routes(), identity_, identity_, identity_, clock_);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
}

std::string ServerTest::Head(const std::string& start, const std::string& lines) {
  return absl::StrCat(start, " HTTP/1.1\r\nHost: localhost\r\nAuthorization: ", kGoodCredential,
                      "\r\n", lines, "\r\n");
}

TestReply ServerTest::Ask(const std::string& bytes) {
  TestConnection connection = TestConnection::Tls(port());
  EXPECT_FALSE(connection.failed());
  EXPECT_TRUE(connection.Send(bytes));
  return connection.Receive().value_or(TestReply{});
}

}  // namespace trainyard::edge
