// Accepts connections and sends each to the side that speaks its protocol.
//
// One thread. It looks at the first bytes without taking them (MSG_PEEK), so the other side starts
// from the very first byte. A peer that sends none within the time is closed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/executor.h"
#include "edge/client_hello.h"
#include "edge/connection_limit.h"
#include "edge/socket.h"

namespace trainyard::edge {

// Called on the listener's thread; must not block.
struct ConnectionSinks {
  // `refused`: too many connections are open; answer 503 and close. Otherwise the connection has
  // entered the limit, and whoever takes it leaves that at its end.
  std::function<void(Socket, std::string peer, bool refused)> http;
  std::function<void(Socket)> grpc;
};

class Listener {
 public:
  Listener(ListeningSocket socket, ConnectionSinks sinks, ConnectionLimit& limit,
           absl::Duration first_bytes_timeout, const base::Clock& clock);
  // Closes the port and every connection that was not handed on.
  ~Listener();
  int port() const { return port_; }

 private:
  struct Pending {
    Socket socket;
    absl::Duration deadline;  // monotonic
    bool answered = false;    // only waits for the peer to read the answer and close
  };

  void Run();
  void AcceptAll();
  // False when nothing more is to be done with it here.
  bool Advance(Pending& pending);
  void HandOn(Pending& pending, FirstBytes kind);
  void AnswerPlainHttp(Pending& pending);
  void CloseOverdue();
  void Watch(int fd, uint32_t events);

  Socket listening_;
  const int port_;
  const ConnectionSinks sinks_;
  ConnectionLimit& limit_;
  const absl::Duration first_bytes_timeout_;
  const base::Clock& clock_;
  Event stop_;
  Socket epoll_;
  std::map<int, Pending> pending_;                          // by descriptor
  absl::Duration accept_again_ = absl::InfiniteDuration();  // after running out of descriptors
  base::ThreadExecutor thread_;                             // last
};

}  // namespace trainyard::edge
