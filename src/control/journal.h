// What a change tells the world once it is durable: events for the log of the store, lines for the
// jobs' own logs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "store/store.h"

namespace trainyard::control {

struct ServiceLine {
  std::string job_id;
  bool error = false;
  std::string text;
};

struct Journal {
  std::vector<store::Event> events;
  std::vector<ServiceLine> lines;

  void Say(const std::string& job_id, std::string text) {
    lines.push_back({job_id, false, std::move(text)});
  }
  void Complain(const std::string& job_id, std::string text) {
    lines.push_back({job_id, true, std::move(text)});
  }
};

}  // namespace trainyard::control
