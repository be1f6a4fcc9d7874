// What the engine is asked to do. Commands run in the order they came, several in one transaction.
#pragma once

#include "absl/status/status.h"
#include "control/batch.h"

namespace trainyard::control {

class Command {
 public:
  virtual ~Command() = default;
  // Stages what it changes. Runs again, on another batch, when `must_happen` and the commit failed.
  virtual void Run(Batch& batch) = 0;
  // The batch is durable: answers.
  virtual void Succeed(const Batch& batch) = 0;
  // It did not happen. Not called for a command that must happen.
  virtual void Fail(const absl::Status& status) = 0;
  // Nobody waits for an answer and the fact is not told again: tried until it is committed.
  virtual bool must_happen() const { return false; }
  // Several callers' commands are worth gathering into one transaction; the world's are not.
  virtual bool is_submission() const { return false; }
};

}  // namespace trainyard::control
