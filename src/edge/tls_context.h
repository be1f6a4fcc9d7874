// The server's certificate and TLS settings.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "edge/server.h"

namespace trainyard::edge {

// What OpenSSL has to say about the last failure on this thread; its queue is empty afterwards.
std::string TakeOpensslError();

// A pair that was seen to fit together.
struct ServerCertificate {
  uint64_t generation = 0;  // each replacement has a higher one
  std::string chain_pem;
  std::string key_pem;
  std::shared_ptr<SSL_CTX> context;  // of the HTTP/1.1 side
};

// Reads the files again when they have changed, at most once a second. A pair that does not load
// (half of it is written yet) leaves the old one in service. Threads: any.
class TlsContext {
 public:
  // FAILED_PRECONDITION naming the file that does not load.
  static absl::StatusOr<std::unique_ptr<TlsContext>> Load(const TlsFiles& files,
                                                          const base::Clock& clock);

  std::shared_ptr<const ServerCertificate> Current() EXCLUDES(mutex_);

 private:
  TlsContext(const TlsFiles& files, const base::Clock& clock) : files_(files), clock_(clock) {}

  const TlsFiles files_;
  const base::Clock& clock_;
  base::Mutex mutex_;
  std::shared_ptr<const ServerCertificate> current_ GUARDED_BY(mutex_);
  std::string stamp_ GUARDED_BY(mutex_);  // of the files that current_ was made from
  std::string failed_stamp_ GUARDED_BY(mutex_);
  absl::Duration next_check_ GUARDED_BY(mutex_) = absl::ZeroDuration();
};

}  // namespace trainyard::edge
