#include "edge/grpc_server.h"

#include <grpc/support/log.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/limits.h"
#include "base/log.h"
#include "edge/grpc_call.h"
#include "edge/grpc_credentials.h"
#include "edge/grpc_streams.h"

namespace trainyard::edge {
namespace {

constexpr int kStreamsMax = 256;  // calls at once on one connection; more wait at the client
constexpr int kHandshakeMs = 10'000;
// A peer that vanished is found by pings: it would hold its calls' replies for ever.
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
// A client that pings more often than this is told to calm down, and then closed.
constexpr int kClientPingIntervalMs = 5'000;
constexpr int kClientPingStrikes = 4;
// Of all connections together; over it, calls fail with RESOURCE_EXHAUSTED.
constexpr size_t kMemoryBytesMax = size_t{1} << 30;

class Service : public grpc::CallbackGenericService {
 public:
  Service(const MethodTable& methods, Authenticator& authenticator, Dispatcher& dispatcher,
          RequestBudget& budget, absl::Duration reply_timeout)
      : methods_(methods),
        authenticator_(authenticator),
        dispatcher_(dispatcher),
        replies_(reply_timeout),
        unary_{dispatcher, budget, replies_} {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    if (!IsServedStream(context->method())) return NewUnaryCall(*context, unary_);
    absl::StatusOr<Caller> caller =
        authenticator_.Authenticate(MetadataValue(*context, "authorization"));
    if (!caller.ok()) return NewRefusedCall(caller.status());
    return NewStreamCall(*context, streams_, methods_, dispatcher_);
  }

  void EndStreams() { streams_->EndAll(); }

 private:
  const MethodTable& methods_;
  Authenticator& authenticator_;
  Dispatcher& dispatcher_;
  ReplyWatch replies_;
  const UnaryCallSurroundings unary_;
  // A late reply may still look for its stream when the service has gone.
  const std::shared_ptr<StreamSet> streams_ = std::make_shared<StreamSet>();
};

// gRPC would write lines of its own form to standard error.
void LogAsOurs(gpr_log_func_args* entry) {
  base::Log(
      entry->severity == GPR_LOG_SEVERITY_ERROR ? base::Severity::kWarning : base::Severity::kInfo,
      absl::StrCat("gRPC: ", entry->message));
}

void SetLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(base::limits::kGrpcMessageBytesMax));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE,
                             static_cast<int>(base::limits::kHeaderBytesMax));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsMax);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kClientPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, kClientPingStrikes);
  // This gRPC would unpack a message of any size before it asks how large it may be.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  grpc::ResourceQuota quota;
  quota.Resize(kMemoryBytesMax);
  builder.SetResourceQuota(quota);
}

class RunningGrpcServer : public GrpcServer {
 public:
  RunningGrpcServer(TlsContext& tls, const MethodTable& methods, Authenticator& authenticator,
                    Dispatcher& dispatcher, RequestBudget& budget, absl::Duration reply_timeout)
      : service_(methods, authenticator, dispatcher, budget, reply_timeout) {
    gpr_set_log_function(LogAsOurs);
    grpc::ServerBuilder builder;
    SetLimits(builder);
    builder.RegisterCallbackGenericService(&service_);
    acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        NewReloadingCredentials(tls));
    server_ = builder.BuildAndStart();
  }
  ~RunningGrpcServer() override { Shutdown(absl::ZeroDuration()); }

  bool started() const { return server_ != nullptr; }

  void Take(Socket socket) override {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
    parameters.fd = socket.Release();
    acceptor_->HandleNewConnection(&parameters);
  }

  void Shutdown(absl::Duration drain) override {
    if (server_ == nullptr) return;
    service_.EndStreams();
    gpr_timespec limit = gpr_time_from_millis(absl::ToInt64Milliseconds(drain), GPR_TIMESPAN);
    server_->Shutdown(limit);
    server_->Wait();
    server_.reset();
  }

 private:
  Service service_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    TlsContext& tls, const MethodTable& methods, Authenticator& authenticator,
    Dispatcher& dispatcher, RequestBudget& budget, absl::Duration reply_timeout) {
  auto server = std::make_unique<RunningGrpcServer>(tls, methods, authenticator, dispatcher, budget,
                                                    reply_timeout);
  if (!server->started()) return absl::InternalError("gRPC does not start");
  return server;
}

}  // namespace trainyard::edge
