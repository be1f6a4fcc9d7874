// gRPC's side of the server's certificate.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "edge/tls_context.h"

namespace trainyard::edge {

// Each handshake uses the certificate that `tls` holds then. `tls` outlives the server.
//
// gRPC's own file watcher takes whatever lies in the files: half of a replacement would fail every
// handshake until the rest is there.
std::shared_ptr<grpc::ServerCredentials> NewReloadingCredentials(TlsContext& tls);

}  // namespace trainyard::edge
