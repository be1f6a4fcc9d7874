// The commands about custom jobs, by callers and by the world.
#pragma once

#include <memory>
#include <string>

#include "control/command.h"
#include "control/engine.h"

namespace trainyard::control {

struct NewJob {
  std::string name;
  CustomJob job;
  trainyard::store::v1::CustomJobStatus status;
};
std::unique_ptr<Command> MakeCreateCommand(NewJob job, Reply<CustomJob> reply);

std::unique_ptr<Command> MakeCancelCommand(std::string name, store::Store& store,
                                           Reply<bool> reply);
std::unique_ptr<Command> MakeExplainCommand(std::string name, store::Store& store,
                                            Reply<sched::Explanation> reply);
std::unique_ptr<Command> MakeStatusCommand(Reply<EngineStatus> reply);

std::unique_ptr<Command> MakeObservationCommand(Observation observation);
// The job's time is up, if `deadline` is still its deadline.
std::unique_ptr<Command> MakeDeadlineCommand(std::string name, absl::Time deadline);
// A job's wait for its next attempt is over.
std::unique_ptr<Command> MakeSettleCommand(std::string name);

}  // namespace trainyard::control
