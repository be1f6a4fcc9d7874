// A replica's directory: what the server and the runner leave there for each other.
//
//   replica.binpb   ReplicaSpec, by the server before the runner starts
//   lock            flock(2)ed by the runner for as long as it lives, and by crun while it starts
//   the
//                   job; its text is the runner's identity, "BOOT_ID PID START_TICKS\n"
//   started.binpb   StartRecord, once the user's process was executed
//   exit.binpb      ExitRecord, the runner's last act
//   scratch/        the writable layer of the root filesystem
//   bundle/         the OCI bundle
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/descriptor.h"
#include "trainyard/runner/v1/runner.pb.h"

namespace trainyard::runner {

using v1::ExitRecord;
using v1::ReplicaSpec;
using v1::StartRecord;

class ReplicaDirectory {
 public:
  // Takes the lock. FAILED_PRECONDITION when another runner has it, or had it: no replica runs
  // twice.
  static absl::StatusOr<ReplicaDirectory> Open(const std::string& path);

  const std::string& path() const { return path_; }
  // The descriptor that holds the lock: whoever inherits it holds it too.
  int lock() const { return lock_.get(); }
  absl::StatusOr<ReplicaSpec> ReadSpec() const;
  absl::Status WriteStart(const StartRecord& record) const;
  // Durable on return. Space for it was taken by Open: a full disk does not stop it.
  absl::Status WriteExit(const ExitRecord& record) const;

 private:
  ReplicaDirectory(std::string path, base::Descriptor lock, base::Descriptor exit)
      : path_(std::move(path)), lock_(std::move(lock)), exit_(std::move(exit)) {}

  std::string path_;
  base::Descriptor lock_;
  base::Descriptor exit_;  // exit.binpb.new
};

}  // namespace trainyard::runner
