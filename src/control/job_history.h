// The event log read back: what it says of every job.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "store/store.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::control {

class JobHistory {
 public:
  // Events come in the order of the log. Those that are about no custom job are passed over.
  // FAILED_PRECONDITION when a step does not follow from the one before it, or the state table has
  // no such row.
  absl::Status Apply(const store::Event& event);

  // The last step of every job that was not deleted, by name.
  const std::map<std::string, trainyard::store::v1::JobTransition>& jobs() const { return jobs_; }

 private:
  std::map<std::string, trainyard::store::v1::JobTransition> jobs_;
};

// How the record differs from what the log says of it; empty: not at all.
std::string DifferenceOf(const trainyard::store::v1::JobTransition& step,
                         const trainyard::store::v1::CustomJobRecord& record);

}  // namespace trainyard::control
