// Clients that call the server of a world: jobs of all kinds, cancels, deletions, reads.
#pragma once

#include <string>

#include "base/random.h"
#include "sim/options.h"
#include "sim/world.h"

namespace trainyard::sim {

control::CustomJob DrawJob(base::SeededRandom& random);

class Load {
 public:
  Load(World& world, const Options& options) : world_(world), options_(options) {}
  // Puts the calls of the whole run into the world's time.
  void Begin();

 private:
  void Submit();
  void Call();  // something other than a submission

  World& world_;
  const Options& options_;
};

}  // namespace trainyard::sim
