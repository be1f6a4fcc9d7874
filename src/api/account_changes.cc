#include "api/account_changes.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "store/store.h"

namespace trainyard::api {

void AccountChanges::Apply(Change change, Done done) {
  {
    base::MutexLock lock(mutex_);
    pending_.push_back({std::move(change), std::move(done)});
    if (busy_) return;
    busy_ = true;
  }
  RunNext();
}

void AccountChanges::RunNext() {
  Pending next;
  {
    base::MutexLock lock(mutex_);
    busy_ = !pending_.empty();
    if (!busy_) return;
    next = std::move(pending_.front());
    pending_.pop_front();
  }
  Run(std::move(next));
}

void AccountChanges::Run(Pending pending) {
  Accounts accounts = registry_.accounts();
  absl::StatusOr<std::string> email = pending.change(accounts);
  if (!email.ok()) {
    pending.done(email.status());
    return RunNext();
  }
  auto changed = std::find_if(accounts.begin(), accounts.end(),
                              [&](const auto& account) { return account.email() == *email; });
  CHECK(changed != accounts.end());
  store::Transaction transaction;
  store::Record& record = transaction.writes.emplace_back().record;
  record.kind = store::kAccounts;
  record.name = *email;
  record.live = true;  // what a start loads
  record.create_time = clock_.Now();
  record.value = changed->SerializeAsString();
  engine_.Put(std::move(transaction),
              [self = shared_from_this(), accounts = std::move(accounts),
               done = std::move(pending.done)](absl::StatusOr<bool> written) mutable {
                if (written.ok()) self->registry_.Replace(std::move(accounts));
                done(written.status());
                self->RunNext();
              });
}

}  // namespace trainyard::api
