#include "edge/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/log.h"
#include "base/status.h"
#include "edge/openssl.h"

namespace trainyard::edge {
namespace {

constexpr absl::Duration kCheckEvery = absl::Seconds(1);
constexpr unsigned char kHttp11[] = "\x08http/1.1";
constexpr unsigned char kSessionContext[] = "trainyard";

// Changes whenever a file does: inode, size and time of change of each.
std::string StampOf(const TlsFiles& files) {
  std::string stamp;
  for (const std::string& path : {files.certificate_chain, files.private_key}) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return "missing";
    absl::StrAppend(&stamp, info.st_ino, ":", info.st_size, ":", info.st_mtim.tv_sec, ".",
                    info.st_mtim.tv_nsec, ";");
  }
  return stamp;
}

int ChooseHttp11(SSL*, const unsigned char** out, unsigned char* out_length,
                 const unsigned char* offered, unsigned int offered_length, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, kHttp11, sizeof(kHttp11) - 1, offered,
                            offered_length) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string contents{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) return base::ErrnoStatus(errno, absl::StrCat("read ", path));
  return contents;
}

std::shared_ptr<SSL_CTX> MakeContext() {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  CHECK(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof(kSessionContext) - 1);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets hold the state
  SSL_CTX_set_alpn_select_cb(context.get(), ChooseHttp11, nullptr);
  return context;
}

bool UseChain(SSL_CTX* context, const std::string& pem) {
  BioPointer bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CertificatePointer leaf(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
  if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) return false;
  while (true) {
    CertificatePointer next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (next == nullptr) return true;
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) return false;
  }
}

bool UseKey(SSL_CTX* context, const std::string& pem) {
  BioPointer bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  return key != nullptr && SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
         SSL_CTX_check_private_key(context) == 1;
}

absl::StatusOr<std::shared_ptr<const ServerCertificate>> LoadPair(const TlsFiles& files,
                                                                  uint64_t generation) {
  auto pair = std::make_shared<ServerCertificate>();
  pair->generation = generation;
  ASSIGN_OR_RETURN(pair->chain_pem, ReadFile(files.certificate_chain));
  ASSIGN_OR_RETURN(pair->key_pem, ReadFile(files.private_key));
  pair->context = MakeContext();
  ERR_clear_error();
  if (!UseChain(pair->context.get(), pair->chain_pem)) {
    return absl::FailedPreconditionError(
        absl::StrCat("certificate ", files.certificate_chain, ": ", TakeOpensslError()));
  }
  if (!UseKey(pair->context.get(), pair->key_pem)) {
    return absl::FailedPreconditionError(
        absl::StrCat("private key ", files.private_key, ": ", TakeOpensslError()));
  }
  ERR_clear_error();
  return pair;
}

}  // namespace

std::string TakeOpensslError() {
  unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : absl::StrCat("error ", code);
}

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::Load(const TlsFiles& files,
                                                             const base::Clock& clock) {
  std::string stamp = StampOf(files);
  ASSIGN_OR_RETURN(std::shared_ptr<const ServerCertificate> pair, LoadPair(files, 1));
  std::unique_ptr<TlsContext> loaded(new TlsContext(files, clock));
  base::MutexLock lock(loaded->mutex_);
  loaded->current_ = std::move(pair);
  loaded->stamp_ = std::move(stamp);
  return loaded;
}

std::shared_ptr<const ServerCertificate> TlsContext::Current() {
  base::MutexLock lock(mutex_);
  absl::Duration now = clock_.Monotonic();
  if (now < next_check_) return current_;
  next_check_ = now + kCheckEvery;
  std::string stamp = StampOf(files_);
  if (stamp == stamp_) return current_;
  auto fresh = LoadPair(files_, current_->generation + 1);
  if (fresh.ok()) {
    current_ = *std::move(fresh);
    stamp_ = std::move(stamp);
    base::Log(base::Severity::kInfo, "the server's certificate was replaced");
  } else if (stamp != failed_stamp_) {
    base::Log(base::Severity::kWarning,
              absl::StrCat("the old certificate stays in service: ", fresh.status().message()));
    failed_stamp_ = std::move(stamp);
  }
  return current_;
}

}  // namespace trainyard::edge
