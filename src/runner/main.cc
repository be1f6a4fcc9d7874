// trainyard-runner DIRECTORY: runs the replica described in DIRECTORY and outlives the server that
// started it.
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "runner/replica_directory.h"
#include "runner/supervisor.h"

namespace trainyard::runner {
namespace {

absl::Status Run(const std::string& path) {
  absl::StatusOr<ReplicaDirectory> directory = ReplicaDirectory::Open(path);
  if (!directory.ok()) return directory.status();
  absl::StatusOr<ReplicaSpec> spec = directory->ReadSpec();
  if (!spec.ok()) {
    ExitRecord record;
    record.set_version(1);
    record.set_start_error(std::string(spec.status().message()));
    return directory->WriteExit(record);
  }
  return Supervise(*directory, *spec, base::RealClock());
}

}  // namespace
}  // namespace trainyard::runner

int main(int argc, char** argv) {
  using trainyard::base::Log;
  using trainyard::base::Severity;
  if (argc != 2) {
    Log(Severity::kError, "usage: trainyard-runner DIRECTORY");
    return 2;
  }
  absl::Status status = trainyard::runner::Run(argv[1]);
  if (status.ok()) return 0;
  Log(Severity::kError, status.message());
  return 1;
}
