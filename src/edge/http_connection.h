// One HTTP/1.1 connection from its handshake to its end.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "edge/http_exchange.h"
#include "edge/http_parser.h"
#include "edge/http_timing.h"
#include "edge/tls_stream.h"

namespace trainyard::edge {

// Answers one request on the connection's thread; may block.
using HttpApplication = std::function<void(const RequestHead& request, const std::string& peer,
                                           HttpExchange& exchange)>;

class HttpConnection {
 public:
  // All references outlive the connection.
  HttpConnection(TlsStream& stream, std::string peer, const HttpTiming& timing,
                 const HttpApplication& application);

  // Returns when the connection is over.
  void Serve();
  // Too many connections are open: answers 503 to the first request.
  void Refuse();

 private:
  bool Handshake();
  // False when the connection is over: then everything that was to be said has been.
  bool AwaitHead(RequestHead& request);
  bool ServeOne();
  // One more read while the head is incomplete; false when the connection is over.
  bool ReadMoreOfHead(Patience& patience);
  void SendFault(const HttpFault& fault);

  TlsStream& stream_;
  const std::string peer_;
  const HttpTiming& timing_;
  const HttpApplication& application_;
  InputBuffer input_;
  bool served_one_ = false;
};

}  // namespace trainyard::edge
