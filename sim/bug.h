// Known bugs, put in one at a time: each must be found by a checker, else the checkers prove
// nothing.
#pragma once

namespace trainyard::sim {

enum class Bug {
  kNone,
  // Of the runtime.
  kStartsAgainWhatRan,     // a restarted server starts again what had run
  kGoneTooEarly,           // reports gone while processes live
  kForgetsExits,           // an exit is told to nobody
  kStartsWhatShouldStop,   // does not see that a replica is to be stopped
  kTellsFailureAsSuccess,  // every status is 0
  kLeavesTraces,           // does not remove what control dropped
  // Of the store.
  kForgetsACommit,      // says OK and writes nothing
  kDropsEvents,         // writes the records without their events
  kWritesAnotherState,  // the log tells of a step that the table does not have
  // Of control.
  kPlacesTooMuch,    // takes the machine for twice as large
  kForgetsCancels,   // answers a cancel and does nothing
  kOverwritesAnEnd,  // writes an ended job as running again
};

}  // namespace trainyard::sim
