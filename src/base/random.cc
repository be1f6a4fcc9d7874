#include "base/random.h"

#include <sys/random.h>

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace trainyard::base {

uint64_t SystemRandom::Uint64() {
  uint64_t value = 0;
  CHECK(getrandom(&value, sizeof(value), 0) == sizeof(value));
  return value;
}

uint64_t SeededRandom::Uint64() {
  MutexLock lock(mutex_);
  state_ += 0x9e3779b97f4a7c15u;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

std::string NewNumericId(Random& random) {
  constexpr uint64_t kFirst = 1'000'000'000'000'000'000;  // the smallest number of 19 digits
  constexpr uint64_t kEnd = 9'223'372'036'854'775'807;    // int64 max
  return absl::StrCat(kFirst + random.Uint64() % (kEnd - kFirst));
}

std::string NewHex(Random& random, int length) {
  std::string text;
  while (text.size() < static_cast<size_t>(length)) {
    absl::StrAppend(&text, absl::Hex(random.Uint64(), absl::kZeroPad16));
  }
  text.resize(static_cast<size_t>(length));
  return text;
}

}  // namespace trainyard::base
