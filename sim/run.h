// One drawn run from its beginning to its end.
#pragma once

#include <string>
#include <vector>

#include "sim/options.h"

namespace trainyard::sim {

struct Outcome {
  std::vector<std::string> findings;  // empty: all is well
  std::vector<std::string> trace;     // the end of it
  // What happened, so that a run which did nothing is seen.
  size_t created = 0, succeeded = 0, failed = 0, cancelled = 0;
};

Outcome RunOnce(const Options& options);

// An empty directory for databases, in memory where the machine allows; removed with the object.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  const std::string& path() const { return path_; }
  void Clear() const;

 private:
  std::string path_;
};

}  // namespace trainyard::sim
