// One live job while a batch changes it: its record, and what memory knows of it besides.
#pragma once

#include "absl/time/time.h"
#include "control/live_jobs.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::control {

struct JobEdit {
  trainyard::store::v1::CustomJobRecord record;
  LiveJob live;
  bool record_changed = false;
};

// Both clocks at once: wall time for records, monotonic time for waiting.
struct Moment {
  absl::Time now;
  absl::Duration monotonic;
};

}  // namespace trainyard::control
