// How many calls a second the edge carries, over gRPC and over REST, client and server on this
// machine: rounds that take turns, medians, and the ratios that the project promises.
//
//   edge_bench [--seconds=1] [--rounds=5] [--channels=8] [--depth=8] [--connections=8]
#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/log.h"
#include "base/mutex.h"
#include "edge/grpc_call.h"
#include "edge/identity.h"
#include "edge/method_table.h"
#include "edge/server.h"
#include "edge/socket.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"
#include "google/longrunning/operations.pb.h"

namespace trainyard {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

constexpr char kCredential[] = "Bearer bench";
constexpr char kJob[] = "projects/bench/locations/us-central1/customJobs/1234567890123456789";
constexpr char kOperation[] = "projects/bench/locations/us-central1/operations/1234567890123456789";

struct Options {
  double seconds = 1;
  int rounds = 5;
  int channels = 8;
  int depth = 8;        // calls in flight on each channel
  int connections = 8;  // of REST, one request in flight on each
};

struct Result {
  double per_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

class OpenHouse : public edge::Authenticator, public edge::Policy, public edge::Audit {
 public:
  absl::StatusOr<edge::Caller> Authenticate(absl::string_view authorization) override {
    if (authorization != kCredential) return absl::UnauthenticatedError("not this one");
    return edge::Caller{"bench@example.com", "1"};
  }
  absl::Status Check(const edge::Caller&, absl::string_view, absl::string_view) override {
    return absl::OkStatus();
  }
  void Record(const edge::AuditRecord&) override {}
};

// As the SDK makes them.
v1::CustomJob TypicalJob() {
  v1::CustomJob job;
  job.set_name(kJob);
  job.set_display_name("trainer-2026-01-02-03-04-05");
  job.set_state(v1::JOB_STATE_RUNNING);
  job.mutable_create_time()->set_seconds(1'800'000'000);
  job.mutable_update_time()->set_seconds(1'800'000'100);
  (*job.mutable_labels())["team"] = "vision";
  auto& spec = *job.mutable_job_spec();
  spec.mutable_base_output_directory()->set_output_uri_prefix("gs://staging/aiplatform-custom-job");
  auto& pool = *spec.add_worker_pool_specs();
  pool.set_replica_count(1);
  pool.mutable_machine_spec()->set_machine_type("n1-standard-4");
  pool.mutable_disk_spec()->set_boot_disk_size_gb(100);
  auto& package = *pool.mutable_python_package_spec();
  package.set_executor_image_uri("us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest");
  package.set_python_module("aiplatform_custom_trainer_script.task");
  package.add_package_uris("gs://staging/aiplatform_custom_trainer_script-0.1.tar.gz");
  for (const char* argument : {"--epochs=10", "--learning-rate=0.01", "--batch-size=64"}) {
    package.add_args(argument);
  }
  return job;
}

void RegisterMethods(edge::MethodTable& methods, const v1::CustomJob& job) {
  methods.Register<google::longrunning::GetOperationRequest>(
      "google.longrunning.Operations/GetOperation", "", "name", false,
      [](const edge::Call&, const google::longrunning::GetOperationRequest& request,
         edge::Responder respond) {
        auto operation = std::make_unique<google::longrunning::Operation>();
        operation->set_name(request.name());
        respond(std::move(operation));
      });
  methods.Register<v1::GetCustomJobRequest>(
      "google.cloud.aiplatform.v1.JobService/GetCustomJob", "aiplatform.customJobs.get", "name",
      false, [job](const edge::Call&, const v1::GetCustomJobRequest&, edge::Responder respond) {
        respond(std::make_unique<v1::CustomJob>(job));
      });
}

Result Summarise(std::vector<absl::Duration> times, absl::Duration taken) {
  CHECK(!times.empty());
  std::sort(times.begin(), times.end());
  auto at = [&](double part) {
    return absl::ToDoubleMilliseconds(
        times[static_cast<size_t>(static_cast<double>(times.size() - 1) * part)]);
  };
  return {static_cast<double>(times.size()) / absl::ToDoubleSeconds(taken), at(0.5), at(0.99)};
}

// --- gRPC ---

// Keeps `depth` calls in flight on each channel until the time is over.
class GrpcLoad {
 public:
  GrpcLoad(int port, const std::string& root_pem, const Options& options) : options_(options) {
    grpc::SslCredentialsOptions credentials;
    credentials.pem_root_certs = root_pem;
    for (int i = 0; i < options.channels; ++i) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
      stubs_.push_back(std::make_unique<grpc::GenericStub>(grpc::CreateCustomChannel(
          absl::StrCat("localhost:", port), grpc::SslCredentials(credentials), arguments)));
    }
  }

  Result Run(const std::string& method, const std::string& request) {
    method_ = method;
    request_ = edge::ToByteBuffer(request);
    times_.clear();
    absl::Duration start = clock_.Monotonic();
    end_ = start + absl::Seconds(options_.seconds);
    for (auto& stub : stubs_) {
      for (int i = 0; i < options_.depth; ++i) {
        ++running_;
        Start(*stub);
      }
    }
    base::MutexLock lock(mutex_);
    while (running_ > 0) ended_.Wait(mutex_);
    return Summarise(std::move(times_), clock_.Monotonic() - start);
  }

 private:
  struct Call {
    grpc::ClientContext context;
    grpc::ByteBuffer response;
    absl::Duration start;
  };

  void Start(grpc::GenericStub& stub) {
    auto* call = new Call;
    call->start = clock_.Monotonic();
    call->context.AddMetadata("authorization", kCredential);
    stub.UnaryCall(&call->context, method_, grpc::StubOptions(), &request_, &call->response,
                   [this, call, &stub](grpc::Status status) {
                     CHECK(status.ok());
                     absl::Duration now = clock_.Monotonic();
                     bool over = now >= end_;
                     {
                       base::MutexLock lock(mutex_);
                       times_.push_back(now - call->start);
                       if (over && --running_ == 0) ended_.NotifyAll();
                     }
                     delete call;
                     if (!over) Start(stub);
                   });
  }

  const Options options_;
  base::RealClock clock_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  std::string method_;
  grpc::ByteBuffer request_;
  absl::Duration end_;
  base::Mutex mutex_;
  base::ConditionVariable ended_;
  std::atomic<int> running_ = 0;
  std::vector<absl::Duration> times_ GUARDED_BY(mutex_);
};

// --- REST ---

class RestConnection {
 public:
  explicit RestConnection(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    setsockopt(socket_.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    CHECK(connect(socket_.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    context_.reset(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    ssl_.reset(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(ssl_.get(), socket_.fd());
    CHECK(SSL_connect(ssl_.get()) == 1);
  }

  // Reads one response with a Content-Length; its body's size.
  size_t Ask(const std::string& request) {
    CHECK(SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size())) > 0);
    std::string reply;
    size_t head_end = std::string::npos, wanted = 0;
    while (head_end == std::string::npos || reply.size() < head_end + 4 + wanted) {
      char bytes[16 << 10];
      int count = SSL_read(ssl_.get(), bytes, sizeof(bytes));
      CHECK(count > 0);
      reply.append(bytes, static_cast<size_t>(count));
      if (head_end != std::string::npos) continue;
      head_end = reply.find("\r\n\r\n");
      if (head_end == std::string::npos) continue;
      CHECK(reply.compare(0, 12, "HTTP/1.1 200") == 0);
      wanted = std::stoul(reply.substr(reply.find("content-length: ") + 16));
    }
    return wanted;
  }

 private:
  edge::Socket socket_;
  std::shared_ptr<SSL_CTX> context_;
  std::shared_ptr<SSL> ssl_;
};

// A thread for each connection.
Result RunRest(std::vector<std::unique_ptr<RestConnection>>& connections, const Options& options) {
  const std::string request = absl::StrCat("GET /v1/", kJob, " HTTP/1.1\r\nHost: localhost\r\n",
                                           "Authorization: ", kCredential, "\r\n\r\n");
  base::RealClock clock;
  absl::Duration start = clock.Monotonic();
  std::vector<std::vector<absl::Duration>> times(connections.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < connections.size(); ++i) {
    threads.emplace_back([&, i] {
      for (absl::Duration now = start; now < start + absl::Seconds(options.seconds);) {
        CHECK(connections[i]->Ask(request) > 100);
        absl::Duration after = clock.Monotonic();
        times[i].push_back(after - now);
        now = after;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<absl::Duration> all;
  for (const auto& some : times) all.insert(all.end(), some.begin(), some.end());
  return Summarise(std::move(all), clock.Monotonic() - start);
}

double RunHandshakes(int port, const Options& options) {
  base::RealClock clock;
  absl::Duration start = clock.Monotonic();
  int count = 0;
  for (; clock.Monotonic() < start + absl::Seconds(options.seconds); ++count) {
    RestConnection connection(port);
  }
  return count / absl::ToDoubleSeconds(clock.Monotonic() - start);
}

// --- the report ---

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Rounds {
  std::vector<double> per_second, p50_ms, p99_ms;
  void Add(const Result& result) {
    per_second.push_back(result.per_second);
    p50_ms.push_back(result.p50_ms);
    p99_ms.push_back(result.p99_ms);
  }
  void Print(const char* name) const {
    std::printf("%-24s %9.0f/s   p50 %7.3f ms   p99 %7.3f ms\n", name, Median(per_second),
                Median(p50_ms), Median(p99_ms));
  }
};

// The median of the rounds' own ratios: what disturbs one round disturbs both of its sides.
bool PrintRatio(const char* name, const Rounds& part, const Rounds& whole, double at_least) {
  std::vector<double> ratios;
  for (size_t i = 0; i < part.per_second.size(); ++i) {
    ratios.push_back(part.per_second[i] / whole.per_second[i]);
  }
  bool good = Median(ratios) >= at_least;
  std::printf("%-42s %5.2f   (at least %.2f: %s)\n", name, Median(ratios), at_least,
              good ? "yes" : "NO");
  return good;
}

int RunAll(int port, const std::string& root_pem, const Options& options) {
  GrpcLoad grpc_load(port, root_pem, options);
  std::vector<std::unique_ptr<RestConnection>> connections;
  for (int i = 0; i < options.connections; ++i) {
    connections.push_back(std::make_unique<RestConnection>(port));
  }
  google::longrunning::GetOperationRequest operation;
  operation.set_name(kOperation);
  v1::GetCustomJobRequest get;
  get.set_name(kJob);
  Rounds no_op, grpc_get, rest_get;
  for (int round = -1; round < options.rounds; ++round) {
    Result results[] = {
        grpc_load.Run("/google.longrunning.Operations/GetOperation", operation.SerializeAsString()),
        grpc_load.Run("/google.cloud.aiplatform.v1.JobService/GetCustomJob",
                      get.SerializeAsString()),
        RunRest(connections, options)};
    if (round < 0) continue;  // warms up
    no_op.Add(results[0]);
    grpc_get.Add(results[1]);
    rest_get.Add(results[2]);
  }
  std::printf("%d channels x %d calls in flight; %d REST connections; %d rounds of %.1f s\n\n",
              options.channels, options.depth, options.connections, options.rounds,
              options.seconds);
  no_op.Print("gRPC no-op");
  grpc_get.Print("gRPC GetCustomJob");
  rest_get.Print("REST GetCustomJob");
  std::printf("%-24s %9.0f/s\n\n", "TLS handshakes", RunHandshakes(port, options));
  bool good = PrintRatio("GetCustomJob over gRPC / no-op over gRPC", grpc_get, no_op, 0.8);
  good &= PrintRatio("GetCustomJob over REST / no-op over gRPC", rest_get, no_op, 0.4);
  return good ? 0 : 1;
}

int Main(const Options& options) {
  base::RealClock clock;
  base::RealDisk disk;
  std::string directory =
      (std::filesystem::temp_directory_path() / "trainyard-edge-bench-XXXXXX").string();
  CHECK(mkdtemp(directory.data()) != nullptr);
  edge::CertificateOptions certificate;
  certificate.directory = directory;
  edge::CertificatePaths paths;
  CHECK(edge::EnsureCertificates(disk, clock, certificate, paths).ok());
  auto methods = edge::MethodTable::Create(edge::EmbeddedDescriptorSet());
  CHECK(methods.ok());
  RegisterMethods(**methods, TypicalJob());
  OpenHouse house;
  edge::ServerOptions server_options;
  server_options.listen = "127.0.0.1:0";
  server_options.tls = {paths.server_certificate, paths.server_key};
  auto server = edge::Server::Start(server_options, **methods, {}, house, house, house, clock);
  CHECK(server.ok());
  int code = RunAll((*server)->port(), *disk.Read(paths.ca_certificate), options);
  server->reset();
  std::filesystem::remove_all(directory);
  return code;
}

}  // namespace
}  // namespace trainyard

int main(int argc, char** argv) {
  trainyard::Options options;
  CLI::App app("Calls a second through the edge");
  app.add_option("--seconds", options.seconds, "length of a round");
  app.add_option("--rounds", options.rounds, "rounds of each kind");
  app.add_option("--channels", options.channels, "gRPC channels");
  app.add_option("--depth", options.depth, "calls in flight on a channel");
  app.add_option("--connections", options.connections, "REST connections");
  CLI11_PARSE(app, argc, argv);
  return trainyard::Main(options);
}
