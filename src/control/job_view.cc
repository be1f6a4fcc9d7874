#include "control/job_view.h"

#include <utility>

namespace trainyard::control {

void JobView::Publish(const std::string& name, std::shared_ptr<const std::string> bytes) {
  base::MutexLock lock(mutex_);
  bytes_.insert_or_assign(name, std::move(bytes));
}

void JobView::Remove(const std::string& name) {
  base::MutexLock lock(mutex_);
  bytes_.erase(name);
}

std::shared_ptr<const std::string> JobView::Find(const std::string& name) const {
  base::MutexLock lock(mutex_);
  auto bytes = bytes_.find(name);
  return bytes == bytes_.end() ? nullptr : bytes->second;
}

}  // namespace trainyard::control
