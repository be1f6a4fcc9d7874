// How long a peer may keep a thread waiting.
#pragma once

#include <algorithm>
#include <cstddef>

#include "absl/time/time.h"

namespace trainyard::edge {

// A reserve of time that waiting spends and that moved bytes refill, up to what it was at first: a
// slow line is served, a peer that drips a byte now and then is not. Pure.
class Patience {
 public:
  Patience(absl::Duration reserve, double bytes_per_second)
      : reserve_(reserve), bytes_per_second_(bytes_per_second), left_(reserve) {}

  absl::Duration left() const { return left_; }
  void Spend(absl::Duration waited) { left_ -= waited; }
  void Refill(size_t bytes) {
    left_ =
        std::min(reserve_, left_ + absl::Seconds(static_cast<double>(bytes) / bytes_per_second_));
  }

 private:
  absl::Duration reserve_;
  double bytes_per_second_;
  absl::Duration left_;
};

}  // namespace trainyard::edge
