// What happened, in simulated time: printed when asked for, else kept for a failure.
#pragma once

#include <deque>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace trainyard::sim {

class Trace {
 public:
  Trace(const base::Clock& clock, bool print) : clock_(clock), print_(print) {}

  void Say(const std::string& text) {
    std::string line = absl::StrCat(absl::FormatDuration(clock_.Monotonic()), " ", text);
    if (print_) std::cout << line << "\n";
    lines_.push_back(std::move(line));
    if (lines_.size() > kLinesKept) lines_.pop_front();
  }

  // The end of it.
  const std::deque<std::string>& lines() const { return lines_; }

 private:
  static constexpr size_t kLinesKept = 60;

  const base::Clock& clock_;
  const bool print_;
  std::deque<std::string> lines_;
};

}  // namespace trainyard::sim
