// Namespaces made ahead of the jobs that use them.
#pragma once

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/descriptor.h"

namespace trainyard::runtime {

// They live as long as a descriptor or a process is in them.
struct NamespacePair {
  base::Descriptor user, network;
};

// Root inside is `uid_base` outside, and so on for `uid_count` ids.
absl::StatusOr<NamespacePair> MakeNamespaces(uint32_t uid_base, uint32_t uid_count);

// A copy of our mount namespace without `hidden`: to unmount it takes milliseconds, to copy the
// result does not. What the host unmounts later disappears there too where its mounts are shared.
absl::StatusOr<base::Descriptor> MakeMountNamespace(const std::string& hidden);

// Runs `work` on this thread inside the network namespace.
absl::Status InNetwork(const base::Descriptor& network, absl::FunctionRef<absl::Status()> work);

// How another process of ours opens it: "/proc/<pid>/fd/<number>".
std::string PathOf(const base::Descriptor& descriptor);

}  // namespace trainyard::runtime
