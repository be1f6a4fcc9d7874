// Transcripts: a story told in commands, with what came of each.
//
//   # A comment belongs to the story.
//   submit a machine=two-cpu
//   show
//   ----
//   a PENDING
//
// A block is commands, "----", their output, an empty line. RunScript plays the commands in a world
// of their own and gives the text again with the output that there is now.
//
//   world cpu=4 memory=16GiB placement=strict   first, if at all: the machine
//   replica run=10s exit=3 ...                  how the next replica behaves (see script.cc)
//   submit NAME machine=TYPE timeout=60s disable_retries
//   cancel NAME | delete NAME | explain NAME | log NAME | show | replicas | status
//   tick 30s                                    time goes on
//   crash | start                               of the server
//   fail-commits 2                              the disk is full for so many commits
//   jump -1h                                    of the wall clock
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace trainyard::sim {

// INVALID_ARGUMENT names the line that is no command. `directory` is empty.
absl::StatusOr<std::string> RunScript(const std::string& text, const std::string& directory);

}  // namespace trainyard::sim
