// Descriptors, and the one port that the server listens on.
#pragma once

#include <atomic>
#include <string>

#include "absl/status/statusor.h"

namespace trainyard::edge {

// Owns a descriptor.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(other.Release()) {}
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  int fd() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  int Release();

 private:
  int fd_;
};

// Becomes readable once, for good. Any number of threads may poll it.
class Event {
 public:
  Event();
  void Set();
  bool IsSet() const { return set_.load(std::memory_order_acquire); }
  int fd() const { return socket_.fd(); }

 private:
  Socket socket_;
  std::atomic<bool> set_ = false;
};

struct ListeningSocket {
  Socket socket;  // non-blocking
  int port = 0;
};

// `address`: "127.0.0.1:8443", "[::1]:8443", "localhost:0"; "*:8443" or ":8443" for every
// interface. INVALID_ARGUMENT for what is no address; FAILED_PRECONDITION for a port that is taken,
// naming the process that holds it where that can be seen; each says what to do.
absl::StatusOr<ListeningSocket> ListenOn(const std::string& address);

// "127.0.0.1:40000" or "[::1]:40000"; "unknown" when the peer has gone.
std::string PeerName(int fd);

}  // namespace trainyard::edge
