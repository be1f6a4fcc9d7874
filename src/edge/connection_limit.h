// How many connections are open, whoever serves them.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/mutex.h"

namespace trainyard::edge {

// gRPC does not say when it closes a descriptor that it was given; so those are known by their
// socket's inode, which never comes back, and looked at again when the count seems full.
// Threads: any.
class ConnectionLimit {
 public:
  explicit ConnectionLimit(int connections_max) : connections_max_(connections_max) {}

  // False when as many as allowed are open. Otherwise pair it with Leave, or with GiveAway.
  bool TryEnter() EXCLUDES(mutex_);
  void Leave() EXCLUDES(mutex_);
  // The connection that entered lives on as `fd`, until somebody else closes it.
  void GiveAway(int fd) EXCLUDES(mutex_);

 private:
  struct Given {
    int fd;
    ino_t inode;
  };
  void ForgetClosed() REQUIRES(mutex_);

  const int connections_max_;
  base::Mutex mutex_;
  int entered_ GUARDED_BY(mutex_) = 0;
  std::vector<Given> given_ GUARDED_BY(mutex_);
};

}  // namespace trainyard::edge
