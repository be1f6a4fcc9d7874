// An owned file descriptor.
#pragma once

#include <unistd.h>

#include <utility>

namespace trainyard::base {

// Closes what it holds. -1 is none. Threads: as an int.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { Reset(); }
  Descriptor(Descriptor&& other) noexcept : number_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }

  int get() const { return number_; }
  bool valid() const { return number_ >= 0; }
  int Release() { return std::exchange(number_, -1); }
  void Reset(int number = -1) {
    if (valid()) close(number_);
    number_ = number;
  }

 private:
  int number_ = -1;
};

}  // namespace trainyard::base
