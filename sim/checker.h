// What must hold of every run, whatever the seed drew. One rule a file, in sim/checkers.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "control/runtime.h"
#include "google/cloud/aiplatform/v1/custom_job.pb.h"
#include "store/store.h"

namespace trainyard::sim {

using google::cloud::aiplatform::v1::CustomJob;

// What the checkers found wrong, in order.
using Findings = std::vector<std::string>;

// Told of everything that happens, in the order that it does.
class Checker {
 public:
  explicit Checker(Findings& findings) : findings_(findings) {}
  virtual ~Checker() = default;

  // A process of a replica begins; the last process of it has ended.
  virtual void OnProcessStart(const control::DesiredReplica&) {}
  virtual void OnProcessEnd(const control::DesiredReplica&) {}
  // The process ended by itself with this status.
  virtual void OnProcessExit(const control::DesiredReplica&, int /*exit_code*/) {}
  // The transaction is on the disk.
  virtual void OnCommit(const store::Transaction&) {}
  // A client has its answer: OK.
  virtual void OnCreated(const CustomJob&) {}
  virtual void OnCancelled(const std::string& /*name*/) {}
  virtual void OnDeleteSent(const std::string& /*name*/) {}
  // A client reads a job.
  virtual void OnRead(const CustomJob&) {}
  // The server has just started, or the run is over: what is stored is all there is.
  virtual void OnRest(store::Store&) {}
  // Faults stopped long ago: everything should have come to its end.
  virtual void OnEnd(store::Store&, size_t /*replicas_left*/) {}

 protected:
  void Fail(std::string finding) { findings_.push_back(std::move(finding)); }

 private:
  Findings& findings_;
};

}  // namespace trainyard::sim
