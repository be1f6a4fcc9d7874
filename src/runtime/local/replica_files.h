// Where a replica's things lie on the host. The runner knows the same names
// (runner/replica_directory.h).
#pragma once

#include <string>

namespace trainyard::runtime {

struct ReplicaFiles {
  std::string directory;

  std::string spec() const { return directory + "/replica.binpb"; }
  std::string started() const { return directory + "/started.binpb"; }
  std::string exit() const { return directory + "/exit.binpb"; }
  std::string lock() const { return directory + "/lock"; }
  std::string bundle() const { return directory + "/bundle"; }
  std::string config() const { return bundle() + "/config.json"; }
  std::string scratch() const { return directory + "/scratch"; }
  std::string crun_root() const { return directory + "/crun"; }
  std::string runner_log() const { return directory + "/runner.log"; }
};

}  // namespace trainyard::runtime
