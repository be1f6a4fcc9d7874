// `trainyard doctor`: what this machine lacks to run jobs, and how to mend it.
#pragma once

#include <string>
#include <vector>

namespace trainyard::bin {

struct DoctorOptions {
  std::string config_file;
  std::string audit_file;  // not empty: checks an audit file's chain instead
};

struct Finding {
  enum class Level { kGood, kWarning, kBad };
  Level level = Level::kGood;
  std::string subject;
  std::string text;
  std::string remedy;  // empty when good
};

// One line a finding, the remedy below it.
std::string RenderFindings(const std::vector<Finding>& findings);

// Returns the exit code: 1 when a finding is bad.
int Doctor(const DoctorOptions& options);

}  // namespace trainyard::bin
