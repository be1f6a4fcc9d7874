#include "edge/test_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/log.h"

namespace trainyard::edge {
namespace {

// Only around the client's own writes, so that the server's are tested with the signal as it is.
class WithoutBrokenPipeSignal {
 public:
  WithoutBrokenPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutBrokenPipeSignal() {
    timespec none{};
    sigtimedwait(&pipe_, nullptr, &none);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_;
  sigset_t before_;
};

}  // namespace

TestConnection TestConnection::Plain(int port) {
  TestConnection connection;
  connection.socket_ = Socket(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  timeval limit{20, 0};
  setsockopt(connection.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(connection.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  connection.failed_ =
      connect(connection.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0;
  return connection;
}

TestConnection TestConnection::Tls(int port, const std::vector<std::string>& protocols) {
  TestConnection connection = Plain(port);
  if (!connection.failed_) connection.Handshake(protocols, nullptr);
  return connection;
}

TestConnection TestConnection::Resume(int port) const {
  TestConnection connection = Plain(port);
  if (!connection.failed_) connection.Handshake({"http/1.1"}, SSL_get0_session(ssl_.get()));
  return connection;
}

void TestConnection::Handshake(const std::vector<std::string>& protocols, SSL_SESSION* session) {
  context_.reset(SSL_CTX_new(TLS_client_method()));
  ssl_.reset(SSL_new(context_.get()));
  std::string offered;
  for (const std::string& protocol : protocols) {
    offered += static_cast<char>(protocol.size());
    offered += protocol;
  }
  if (!offered.empty()) {
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(offered.data()),
                        static_cast<unsigned>(offered.size()));
  }
  if (session != nullptr) SSL_set_session(ssl_.get(), session);
  SSL_set_fd(ssl_.get(), fd());
  failed_ = SSL_connect(ssl_.get()) != 1;
}

bool TestConnection::Send(const std::string& bytes) {
  WithoutBrokenPipeSignal guard;
  for (size_t sent = 0; sent < bytes.size();) {
    int size = static_cast<int>(bytes.size() - sent);
    ssize_t count = ssl_ ? SSL_write(ssl_.get(), bytes.data() + sent, size)
                         : send(fd(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

bool TestConnection::Fill() {
  std::array<char, 16 << 10> bytes;
  ssize_t count = ssl_ ? SSL_read(ssl_.get(), bytes.data(), bytes.size())
                       : recv(fd(), bytes.data(), bytes.size(), 0);
  if (count <= 0) return false;
  received_.append(bytes.data(), static_cast<size_t>(count));
  return true;
}

std::string TestConnection::ReceiveAll() {
  while (Fill()) {
  }
  return std::exchange(received_, "");
}

bool TestConnection::ClosesWithin(absl::Duration time) {
  pollfd poll_fd{fd(), POLLIN, 0};
  if (!received_.empty()) return false;
  if (ssl_ && SSL_pending(ssl_.get()) > 0) return false;
  if (poll(&poll_fd, 1, static_cast<int>(absl::ToInt64Milliseconds(time))) != 1) return false;
  return !Fill();
}

std::optional<std::string> TestConnection::TakeLine() {
  size_t end;
  while ((end = received_.find("\r\n")) == std::string::npos) {
    if (!Fill()) return std::nullopt;
  }
  std::string line = received_.substr(0, end);
  received_.erase(0, end + 2);
  return line;
}

bool TestConnection::TakeBytes(size_t count, std::string& out) {
  while (received_.size() < count) {
    if (!Fill()) return false;
  }
  out.append(received_, 0, count);
  received_.erase(0, count);
  return true;
}

std::optional<TestReply> TestConnection::Receive(bool head_only) {
  TestReply reply;
  std::optional<std::string> line = TakeLine();
  if (!line || line->size() < 12) return std::nullopt;
  reply.status = std::atoi(line->c_str() + 9);
  while ((line = TakeLine()) && !line->empty()) {
    std::pair<std::string, std::string> parts = absl::StrSplit(*line, absl::MaxSplits(": ", 1));
    reply.headers[absl::AsciiStrToLower(parts.first)] = parts.second;
  }
  if (!line) return std::nullopt;
  if (head_only || reply.status < 200 || reply.status == 204) return reply;
  if (reply.headers.contains("transfer-encoding")) {
    while (true) {
      std::optional<std::string> size = TakeLine();
      if (!size) return std::nullopt;
      size_t count = std::strtoul(size->c_str(), nullptr, 16);
      std::string end;
      if (!TakeBytes(count, reply.body) || !TakeBytes(2, end)) return std::nullopt;
      if (count == 0) return reply;
    }
  }
  if (reply.headers.contains("content-length")) {
    size_t count = std::strtoul(reply.headers["content-length"].c_str(), nullptr, 10);
    return TakeBytes(count, reply.body) ? std::optional(reply) : std::nullopt;
  }
  reply.body = ReceiveAll();
  return reply;
}

std::string TestConnection::ServerCommonName() const {
  std::array<char, 256> name{};
  X509* certificate = SSL_get1_peer_certificate(ssl_.get());
  if (certificate == nullptr) return "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                            name.size());
  X509_free(certificate);
  return name.data();
}

std::string TestConnection::Protocol() const {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &length);
  return std::string(reinterpret_cast<const char*>(name), length);
}

}  // namespace trainyard::edge
