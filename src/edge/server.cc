#include "edge/server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status.h"
#include "edge/connection_limit.h"
#include "edge/dispatcher.h"
#include "edge/grpc_server.h"
#include "edge/http_router.h"
#include "edge/http_server.h"
#include "edge/listener.h"
#include "edge/request_budget.h"
#include "edge/tls_context.h"

namespace trainyard::edge {
namespace {

DispatcherOptions ForDispatcher(const ServerOptions& options) {
  DispatcherOptions made;
  made.call_threads = options.call_threads;
  made.projects = options.projects;
  made.locations = options.locations;
  return made;
}

class RunningServer : public Server {
 public:
  RunningServer(const ServerOptions& options, const MethodTable& methods,
                std::vector<HttpRoute> routes, Authenticator& authenticator, Policy& policy,
                Audit& audit, const base::Clock& clock, std::unique_ptr<TlsContext> tls)
      : options_(options),
        clock_(clock),
        limit_(options.connections_max),
        dispatcher_(methods, authenticator, policy, audit, clock, ForDispatcher(options)),
        tls_(std::move(tls)),
        router_(std::move(routes), authenticator, dispatcher_, budget_, stop_),
        http_(std::make_unique<HttpServer>(
            [this](const RequestHead& request, const std::string& peer, HttpExchange& exchange) {
              router_.Serve(request, peer, exchange);
            },
            *tls_, limit_, stop_, options.http, clock)) {}

  ~RunningServer() override { Shutdown(); }

  absl::Status Open(ListeningSocket socket, const MethodTable& methods,
                    Authenticator& authenticator) {
    ASSIGN_OR_RETURN(grpc_, GrpcServer::Start(*tls_, methods, authenticator, dispatcher_, budget_,
                                              options_.http.body));
    port_ = socket.port;
    ConnectionSinks sinks{[this](Socket accepted, std::string peer, bool refused) {
                            http_->Take(std::move(accepted), std::move(peer), refused);
                          },
                          [this](Socket accepted) { grpc_->Take(std::move(accepted)); }};
    listener_ = std::make_unique<Listener>(std::move(socket), std::move(sinks), limit_,
                                           options_.first_bytes, clock_);
    return absl::OkStatus();
  }

  int port() const override { return port_; }

  void Shutdown() override {
    base::MutexLock lock(shutdown_mutex_);
    if (http_ == nullptr) return;
    const absl::Duration end = clock_.Monotonic() + options_.drain;
    listener_.reset();
    stop_.drain.Set();
    if (grpc_ != nullptr) grpc_->Shutdown(options_.drain);
    if (!http_->AwaitNone(end - clock_.Monotonic())) {
      base::Log(base::Severity::kWarning, "calls are cut off: the time to drain is over");
    }
    stop_.kill.Set();
    http_.reset();
    grpc_.reset();
  }

 private:
  const ServerOptions options_;
  const base::Clock& clock_;
  StopEvents stop_;
  ConnectionLimit limit_;
  RequestBudget budget_;
  Dispatcher dispatcher_;
  const std::unique_ptr<TlsContext> tls_;
  const HttpRouter router_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<GrpcServer> grpc_;
  std::unique_ptr<Listener> listener_;
  int port_ = 0;
  base::Mutex shutdown_mutex_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      const MethodTable& methods,
                                                      std::vector<HttpRoute> routes,
                                                      Authenticator& authenticator, Policy& policy,
                                                      Audit& audit, const base::Clock& clock) {
  ASSIGN_OR_RETURN(std::unique_ptr<TlsContext> tls, TlsContext::Load(options.tls, clock));
  ASSIGN_OR_RETURN(ListeningSocket socket, ListenOn(options.listen));
  auto server = std::make_unique<RunningServer>(options, methods, std::move(routes), authenticator,
                                                policy, audit, clock, std::move(tls));
  RETURN_IF_ERROR(server->Open(std::move(socket), methods, authenticator));
  return server;
}

}  // namespace trainyard::edge
