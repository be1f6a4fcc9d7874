// How long an HTTP/1.1 client may take.
#pragma once

#include "absl/time/time.h"
#include "base/limits.h"

namespace trainyard::edge {

struct HttpTiming {
  absl::Duration handshake = absl::Seconds(10);
  absl::Duration header = absl::Seconds(base::limits::kHeaderTimeoutSeconds);  // all of it
  absl::Duration idle = absl::Seconds(base::limits::kIdleTimeoutSeconds);      // between requests
  // Waiting within a body, either way; it comes back at the rate below. See Patience.
  absl::Duration body = absl::Seconds(30);
  double body_bytes_per_second_min = 1024;
  absl::Duration linger = absl::Seconds(2);  // for the peer to read the last answer
};

}  // namespace trainyard::edge
