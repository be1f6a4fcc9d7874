// One port: TLS, gRPC and HTTP/1.1.
//
// The ClientHello is read first: a client that offers http/1.1 at all gets HTTP/1.1, one that
// offers only h2 goes to gRPC.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/executor.h"
#include "edge/call.h"
#include "edge/http_handler.h"
#include "edge/http_timing.h"
#include "edge/method_table.h"

namespace trainyard::edge {

// PEM files; read again when they change, without a restart.
struct TlsFiles {
  std::string certificate_chain;
  std::string private_key;
};

struct ServerOptions {
  std::string listen = "127.0.0.1:8443";  // host:port; port 0: any free one
  TlsFiles tls;
  int call_threads = 16;
  int connections_max = 1024;
  std::vector<std::string> projects;   // empty: any
  std::vector<std::string> locations;  // empty: every region of Google's
  absl::Duration drain = absl::Seconds(10);
  absl::Duration first_bytes = absl::Seconds(5);  // for a client's ClientHello
  HttpTiming http;
};

class Server {
 public:
  // All references outlive the server. Listens when this returns; a taken port says which and what
  // to do.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       const MethodTable& methods,
                                                       std::vector<HttpRoute> routes,
                                                       Authenticator& authenticator, Policy& policy,
                                                       Audit& audit, const base::Clock& clock);
  virtual ~Server() = default;
  virtual int port() const = 0;
  // Accepts no more, lets calls finish within the drain time, closes the rest.
  virtual void Shutdown() = 0;
};

}  // namespace trainyard::edge
