// The job's root filesystem, in the runner's own mount namespace: when the runner and the job are
// gone, so is every mount.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "trainyard/runner/v1/runner.pb.h"

namespace trainyard::runner {

// Enters a mount namespace whose changes nobody else sees.
absl::Status EnterMountNamespace(const v1::ReplicaSpec& spec);

// The overlay of `spec.layers` under a fresh writable layer, at BUNDLE/rootfs, with root_files in.
absl::Status MakeRootFilesystem(const v1::ReplicaSpec& spec);

// The word in the stage file, as the job left it: "run" when there is none. The job wrote the whole
// layer: nothing in it is followed or trusted.
std::string ReadStage(const v1::ReplicaSpec& spec);

}  // namespace trainyard::runner
