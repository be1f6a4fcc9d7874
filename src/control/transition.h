// A job's state changes here and nowhere else: model::Next decides, this writes what follows from
// it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "control/journal.h"
#include "google/cloud/aiplatform/v1/job_state.pb.h"
#include "model/job_state.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::control {

namespace v1 = google::cloud::aiplatform::v1;

using model::JobEvent;
using trainyard::store::v1::CustomJobRecord;

// Moves `record` along the table, sets its times, and notes the step in `journal`. The error of
// the table, and nothing changed, when it has no such row. A clock that went back never makes a
// later time earlier than a former one.
absl::Status Advance(CustomJobRecord& record, JobEvent event, absl::Time now, Journal& journal);

// Notes a step that leaves the state as it is ("assigned", "stopping"), or makes or ends the record
// itself ("created", "deleted"). Sets the update time.
void NoteStep(CustomJobRecord& record, absl::string_view cause, absl::Time now, Journal& journal);

// The last segment of the job's name.
std::string JobIdOf(const CustomJobRecord& record);

}  // namespace trainyard::control
