// The commands about stored records that no controller owns: ended jobs, operations, accounts.
#pragma once

#include <memory>
#include <string>

#include "base/random.h"
#include "control/command.h"
#include "control/engine.h"

namespace trainyard::control {

std::unique_ptr<Command> MakeDeleteJobCommand(std::string name, store::Store& store,
                                              base::Random& random, JobLog& log,
                                              Reply<google::longrunning::Operation> reply);
std::unique_ptr<Command> MakeDeleteOperationCommand(std::string name, store::Store& store,
                                                    Reply<bool> reply);
std::unique_ptr<Command> MakePutCommand(store::Transaction transaction, Reply<bool> reply);

}  // namespace trainyard::control
