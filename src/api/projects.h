// Which project id a project number stands for.
#pragma once

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "control/engine.h"
#include "store/store.h"

namespace trainyard::api {

// A number is made from the id and does not tell it, so each project that is used is remembered in
// the store. Threads: any.
class Projects {
 public:
  Projects(control::Engine& engine, store::Store& store, const base::Clock& clock,
           const std::string& default_project);
  // Before the first job of a project: what is written is durable no later than the job.
  void Remember(const std::string& project) EXCLUDES(mutex_);
  // The id of a project given by id or number; an unknown number is its own id.
  std::string IdOf(absl::string_view project) EXCLUDES(mutex_);

 private:
  control::Engine& engine_;
  store::Store& store_;
  const base::Clock& clock_;
  base::Mutex mutex_;
  std::map<std::string, std::string, std::less<>> ids_ GUARDED_BY(mutex_);  // by number
};

}  // namespace trainyard::api
