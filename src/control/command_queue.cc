#include "control/command_queue.h"

#include <algorithm>
#include <utility>

namespace trainyard::control {

CommandQueue::Wake CommandQueue::Push(std::unique_ptr<Command> command) {
  absl::Status refusal;
  Wake wake = Wake::kNo;
  {
    base::MutexLock lock(mutex_);
    if (closed_) {
      refusal = *closed_;
    } else if (commands_.size() >= commands_max_ && !command->must_happen()) {
      refusal = absl::UnavailableError("the server has too many calls to answer; try again");
    } else {
      submissions_ += command->is_submission() ? 1 : 0;
      commands_.push_back(std::move(command));
      bool enough = state_ == State::kGathering && submissions_ >= expected_;
      if (state_ == State::kIdle || enough) {
        wake = Wake::kNow;
        state_ = enough ? State::kReady : State::kSent;
      }
    }
  }
  if (command != nullptr && !command->must_happen()) command->Fail(refusal);
  return wake;
}

CommandQueue::Taken CommandQueue::Take() {
  base::MutexLock lock(mutex_);
  Taken taken;
  bool only_submissions = submissions_ == commands_.size() && submissions_ > 0;
  if (state_ == State::kSent && only_submissions && submissions_ < expected_) {
    taken.wait = std::min(gather_max_, last_took_ / 2);
    if (taken.wait > absl::ZeroDuration()) {
      state_ = State::kGathering;
      taken.gathering = ++gathering_;
      return taken;
    }
  }
  taken.commands.swap(commands_);
  submissions_ = 0;
  state_ = State::kIdle;
  return taken;
}

bool CommandQueue::EndWait(uint64_t gathering) {
  base::MutexLock lock(mutex_);
  if (state_ != State::kGathering || gathering != gathering_) return false;
  state_ = State::kReady;
  return true;
}

void CommandQueue::NoteCommit(size_t submissions, absl::Duration took) {
  base::MutexLock lock(mutex_);
  expected_ = submissions + submissions_;
  last_took_ = took;
}

void CommandQueue::Close(const absl::Status& status) {
  std::deque<std::unique_ptr<Command>> refused;
  {
    base::MutexLock lock(mutex_);
    closed_ = status;
    refused.swap(commands_);
    submissions_ = 0;
  }
  for (const auto& command : refused) {
    if (!command->must_happen()) command->Fail(status);
  }
}

}  // namespace trainyard::control
