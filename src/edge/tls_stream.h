// One TLS connection, read and written by one thread that waits with a limit.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "edge/patience.h"
#include "edge/socket.h"

namespace trainyard::edge {

// The first waits until the server stops taking requests, the second until it gives up the last.
struct StopEvents {
  Event drain;
  Event kill;
};

// Failures: DEADLINE_EXCEEDED when the patience is spent, CANCELLED when the server stops,
// UNAVAILABLE when the peer is gone or speaks no TLS. After one only Abandon makes sense.
// Threads: one.
class TlsStream {
 public:
  // `socket` is non-blocking. The events and the clock outlive the stream.
  TlsStream(Socket socket, std::shared_ptr<SSL_CTX> context, const StopEvents& stop,
            const base::Clock& clock);

  absl::Status Handshake(Patience& patience);
  // At least one byte; 0 at the end of the stream.
  absl::StatusOr<size_t> Read(char* bytes, size_t size, Patience& patience);
  // As Read, and gives up with CANCELLED as soon as the server drains.
  absl::StatusOr<size_t> ReadWhileIdle(char* bytes, size_t size, Patience& patience);
  absl::Status Write(absl::string_view bytes, Patience& patience);
  // Ends the connection so that the peer still reads what was written: says goodbye, then swallows
  // what the peer sends for a short while.
  void Close(absl::Duration linger);
  const base::Clock& clock() const { return clock_; }
  // The server takes no more requests on this connection.
  bool draining() const { return stop_.drain.IsSet(); }
  // True when the peer has closed or reset the connection: nobody waits for a reply.
  bool PeerHasGone() const;

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  // Waits for what OpenSSL asked for in `result`. OK: try again.
  absl::Status AwaitRetry(int result, int stop_fd, Patience& patience);
  absl::Status Wait(short events, int stop_fd, Patience& patience);
  absl::StatusOr<size_t> ReadUntil(char* bytes, size_t size, int stop_fd, Patience& patience);

  Socket socket_;
  std::shared_ptr<SSL_CTX> context_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  const StopEvents& stop_;
  const base::Clock& clock_;
};

}  // namespace trainyard::edge
