#include "edge/grpc_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "base/log.h"

namespace trainyard::edge {
namespace {

class ReloadingCredentials : public grpc::ServerCredentials {
 public:
  explicit ReloadingCredentials(TlsContext& tls) : tls_(tls) {
    credentials_ = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, &Fetch, this));
  }
  ~ReloadingCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {
    CHECK(false);  // the dispatcher authenticates
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  // gRPC asks before each handshake, under a lock of its own.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<ReloadingCredentials*>(self)->Fetch(config);
  }
  grpc_ssl_certificate_config_reload_status Fetch(grpc_ssl_server_certificate_config** config) {
    std::shared_ptr<const ServerCertificate> current = tls_.Current();
    if (generation_.exchange(current->generation) == current->generation) {
      return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    }
    grpc_ssl_pem_key_cert_pair pair{current->key_pem.c_str(), current->chain_pem.c_str()};
    // gRPC insists on roots for clients' certificates, though none is ever asked for.
    *config = grpc_ssl_server_certificate_config_create(current->chain_pem.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  TlsContext& tls_;
  grpc_server_credentials* credentials_;
  std::atomic<uint64_t> generation_ = 0;  // that gRPC has
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> NewReloadingCredentials(TlsContext& tls) {
  return std::make_shared<ReloadingCredentials>(tls);
}

}  // namespace trainyard::edge
