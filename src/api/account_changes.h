// Changes of accounts, one after another, each durable before it counts.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "control/engine.h"
#include "edge/identity.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::api {

// Threads: any.
class AccountChanges : public std::enable_shared_from_this<AccountChanges> {
 public:
  using Accounts = std::vector<trainyard::store::v1::AccountRecord>;
  // Edits one account of the list, or adds one, and gives its e-mail; an error changes nothing.
  using Change = absl::AnyInvocable<absl::StatusOr<std::string>(Accounts&)>;
  using Done = absl::AnyInvocable<void(absl::Status)>;

  AccountChanges(control::Engine& engine, edge::AccountRegistry& registry, const base::Clock& clock)
      : engine_(engine), registry_(registry), clock_(clock) {}

  // `change` runs after every earlier change is done.
  void Apply(Change change, Done done) EXCLUDES(mutex_);

 private:
  struct Pending {
    Change change;
    Done done;
  };
  void RunNext() EXCLUDES(mutex_);
  void Run(Pending pending);

  control::Engine& engine_;
  edge::AccountRegistry& registry_;
  const base::Clock& clock_;
  base::Mutex mutex_;
  std::deque<Pending> pending_ GUARDED_BY(mutex_);
  bool busy_ GUARDED_BY(mutex_) = false;
};

}  // namespace trainyard::api
