// The services: one file per RPC service. The front door of this folder.
//
// A handler parses names, validates, asks the engine, the store or the logs, and shapes the answer.
// Who calls and whether he may is settled by the edge before, except where the resource is not
// named in the request as the policy knows it; those handlers ask the registry themselves.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/random.h"
#include "control/engine.h"
#include "control/runtime.h"
#include "edge/identity.h"
#include "edge/method_table.h"
#include "logs/logs.h"
#include "model/machine_types.h"
#include "objects/objects.h"
#include "store/store.h"

namespace trainyard::api {

// What the server says about itself.
struct ServerFacts {
  std::string version;
  std::string placement;  // "share" or "strict"
  std::string data_directory;
  std::string default_project;
  std::string token_uri;  // "https://127.0.0.1:8443/token": goes into new key files
  absl::Time start_time;
};

struct Services {
  control::Engine& engine;
  control::Runtime& runtime;  // CheckImage alone
  store::Store& store;        // reads alone; writes go through the engine
  const logs::Reader& logs;
  objects::ObjectStore& objects;  // GetBucket alone
  edge::AccountRegistry& accounts;
  const model::MachineCatalog& machines;
  const base::Clock& clock;
  base::Random& random;
  base::Executor& waits;  // an executor of its own: callers that follow a log wait on it
  ServerFacts facts;
  std::vector<std::string> locations;  // empty: every region of Google's
};

// Registers every handler. All that `services` refers to outlives the table's last call; its values
// are copied.
void RegisterServices(edge::MethodTable& methods, const Services& services);

}  // namespace trainyard::api
