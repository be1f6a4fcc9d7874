// Commands that wait for the engine's thread, and when it should come for them.
//
// One durable commit costs the same for one command and for a hundred. When the last commits
// answered several callers, those callers are about to come again: the next commit waits a moment
// for them, at most a part of what a commit takes. A lone caller never waits.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "control/command.h"

namespace trainyard::control {

// Threads: any.
class CommandQueue {
 public:
  // `gather_max`: the longest wait for more commands; zero: never wait.
  CommandQueue(size_t commands_max, absl::Duration gather_max)
      : commands_max_(commands_max), gather_max_(gather_max) {}

  enum class Wake { kNo, kNow };
  // Takes the command, or refuses it: UNAVAILABLE when the queue is full (never for one that must
  // happen), or closed. kNow: the caller has the engine's thread come.
  Wake Push(std::unique_ptr<Command> command) EXCLUDES(mutex_);
  // All commands, in order; or, once for each wake, how long to wait for more of them first.
  struct Taken {
    std::deque<std::unique_ptr<Command>> commands;
    absl::Duration wait = absl::ZeroDuration();  // not zero: come again after it
    uint64_t gathering = 0;                      // names the wait
  };
  Taken Take() EXCLUDES(mutex_);
  // The wait is over; false when the commands came earlier and somebody else was sent.
  bool EndWait(uint64_t gathering) EXCLUDES(mutex_);
  // A commit of `submissions` took so long, and is about to be answered: these callers and those
  // that wait already are expected next.
  void NoteCommit(size_t submissions, absl::Duration took) EXCLUDES(mutex_);

  // Refuses what waits and all that comes.
  void Close(const absl::Status& status) EXCLUDES(mutex_);

 private:
  enum class State { kIdle, kSent, kGathering, kReady };

  const size_t commands_max_;
  const absl::Duration gather_max_;
  base::Mutex mutex_;
  std::deque<std::unique_ptr<Command>> commands_ GUARDED_BY(mutex_);
  size_t submissions_ GUARDED_BY(mutex_) = 0;
  State state_ GUARDED_BY(mutex_) = State::kIdle;
  uint64_t gathering_ GUARDED_BY(mutex_) = 0;
  size_t expected_ GUARDED_BY(mutex_) = 0;
  absl::Duration last_took_ GUARDED_BY(mutex_);
  std::optional<absl::Status> closed_ GUARDED_BY(mutex_);
};

}  // namespace trainyard::control
