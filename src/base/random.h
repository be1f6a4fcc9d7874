// The only source of randomness, and the ids made from it.
#pragma once

#include <cstdint>
#include <string>

#include "base/mutex.h"

namespace trainyard::base {

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Uint64() = 0;
};

// getrandom(2): fit for keys and tokens. Threads: any.
class SystemRandom : public Random {
 public:
  uint64_t Uint64() override;
};

// SplitMix64 (Steele, Lea, Flood 2014): the same seed, the same sequence. Threads: any.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t Uint64() override;
  // Uniform in [0, bound). bound > 0.
  uint64_t Below(uint64_t bound) { return Uint64() % bound; }

 private:
  Mutex mutex_;
  uint64_t state_ GUARDED_BY(mutex_);
};

// A decimal resource id as Vertex makes them: 19 digits, positive as an int64.
std::string NewNumericId(Random& random);

// `length` characters of lower-case hexadecimal.
std::string NewHex(Random& random, int length);

}  // namespace trainyard::base
