#include <grpc/support/time.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <fstream>
#include <future>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "base/status.h"
#include "cli/connection.h"

namespace trainyard::cli {
namespace {

constexpr absl::Duration kRenewEvery = absl::Minutes(30);

absl::StatusOr<std::string> ReadFile(const std::string& path, absl::string_view what) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat(what, " ", path, " cannot be read"));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class GrpcClient : public ApiClient {
 public:
  GrpcClient(const Target& target, const base::Clock& clock, std::string key_file,
             std::shared_ptr<grpc::Channel> channel)
      : target_(target), clock_(clock), key_file_(std::move(key_file)), stub_(std::move(channel)) {}

  absl::Status Call(const std::string& method, const google::protobuf::Message& request,
                    google::protobuf::Message& response) override {
    ASSIGN_OR_RETURN(std::string authorization, Authorization());
    grpc::ClientContext context;
    context.AddMetadata("authorization", authorization);
    context.set_deadline(
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(60, GPR_TIMESPAN)));
    std::promise<grpc::Status> done;
    stub_.UnaryCall(&context, "/" + method, grpc::StubOptions(), &request, &response,
                    [&done](grpc::Status status) { done.set_value(std::move(status)); });
    return Translate(done.get_future().get());
  }

  absl::StatusOr<std::string> Authorization() override {
    base::MutexLock lock(mutex_);
    absl::Time now = clock_.Now();
    if (token_.empty() || now - signed_ > kRenewEvery) {
      ASSIGN_OR_RETURN(token_, SignToken(key_file_, now));
      signed_ = now;
    }
    return "Bearer " + token_;
  }

 private:
  absl::Status Translate(const grpc::Status& status) const {
    if (status.ok()) return absl::OkStatus();
    std::string message = status.error_message();
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE &&
        absl::StrContains(message, "connect")) {
      message = absl::StrCat("no server answers at ", target_.endpoint,
                             ": is `trainyard serve` running? (", message, ")");
    }
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()), message);
  }

  const Target target_;
  const base::Clock& clock_;
  const std::string key_file_;
  grpc::TemplatedGenericStub<google::protobuf::Message, google::protobuf::Message> stub_;
  base::Mutex mutex_;
  std::string token_ GUARDED_BY(mutex_);
  absl::Time signed_ GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<ApiClient>> Connect(const Target& target, const base::Clock& clock) {
  ASSIGN_OR_RETURN(std::string key_file, ReadFile(target.credentials, "the credentials file"));
  grpc::SslCredentialsOptions tls;
  if (!target.ca_file.empty()) {
    ASSIGN_OR_RETURN(tls.pem_root_certs, ReadFile(target.ca_file, "the CA certificate"));
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY,
                   0);  // the server is ours, never behind the web's proxy
  arguments.SetMaxReceiveMessageSize(-1);
  auto channel = grpc::CreateCustomChannel(target.endpoint, grpc::SslCredentials(tls), arguments);
  return std::make_unique<GrpcClient>(target, clock, std::move(key_file), std::move(channel));
}

}  // namespace trainyard::cli
