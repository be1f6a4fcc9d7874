// For tests: a client that sends exactly the bytes it is told to.
#pragma once

#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/socket.h"

namespace trainyard::edge {

struct TestReply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names are lower-case
  std::string body;
};

// Waits at most 20 s for anything. Threads: one.
class TestConnection {
 public:
  // TCP alone.
  static TestConnection Plain(int port);
  // TLS, offering these protocols (none: no ALPN). failed() when the handshake does.
  static TestConnection Tls(int port, const std::vector<std::string>& protocols = {"http/1.1"});

  // TLS again, with the session of this connection. It must have received something: tickets come
  // after the handshake.
  TestConnection Resume(int port) const;
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

  bool failed() const { return failed_; }
  bool Send(const std::string& bytes);
  // What comes until the peer closes.
  std::string ReceiveAll();
  // One response with its body; nullopt when the connection ends before.
  std::optional<TestReply> Receive(bool head_only = false);
  // True when the server closes, without another byte, within the time.
  bool ClosesWithin(absl::Duration time);
  std::string ServerCommonName() const;
  std::string Protocol() const;  // that ALPN chose
  int fd() const { return socket_.fd(); }

 private:
  struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  void Handshake(const std::vector<std::string>& protocols, SSL_SESSION* session);
  // At least one byte more; false at the end.
  bool Fill();
  std::optional<std::string> TakeLine();
  bool TakeBytes(size_t count, std::string& out);

  Socket socket_;
  std::unique_ptr<SSL_CTX, FreeContext> context_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::string received_;
  bool failed_ = false;
};

}  // namespace trainyard::edge
