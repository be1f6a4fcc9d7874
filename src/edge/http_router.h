// Which code answers an HTTP request: the server itself, a raw route, or the method table.
#pragma once

#include <string>
#include <vector>

#include "edge/call.h"
#include "edge/dispatcher.h"
#include "edge/http_exchange.h"
#include "edge/http_handler.h"
#include "edge/http_parser.h"
#include "edge/request_budget.h"
#include "edge/tls_stream.h"

namespace trainyard::edge {

// Threads: any.
class HttpRouter {
 public:
  // All references outlive the router.
  HttpRouter(std::vector<HttpRoute> routes, Authenticator& authenticator, Dispatcher& dispatcher,
             RequestBudget& budget, const StopEvents& stop);

  void Serve(const RequestHead& request, const std::string& peer, HttpExchange& exchange) const;

 private:
  // Null when no raw route has the path.
  const HttpRoute* Find(absl::string_view path) const;
  void ServeRoute(const HttpRoute& route, const RequestHead& head, const std::string& peer,
                  HttpExchange& exchange) const;
  void ServeCall(const RequestHead& head, const std::string& peer, HttpExchange& exchange) const;
  void ServeHealth(HttpExchange& exchange) const;

  std::vector<HttpRoute> routes_;  // longest prefix first
  Authenticator& authenticator_;
  Dispatcher& dispatcher_;
  RequestBudget& budget_;
  const StopEvents& stop_;
};

}  // namespace trainyard::edge
