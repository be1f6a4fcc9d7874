#include "store/reader_pool.h"

namespace trainyard::store {

absl::StatusOr<ReaderPool::Lease> ReaderPool::Borrow() {
  {
    base::MutexLock lock(mutex_);
    while (closed_ || borrowed_ == readers_max_) changed_.Wait(mutex_);
    ++borrowed_;
    if (!idle_.empty()) {
      std::unique_ptr<Reader> reader = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(reader));
    }
  }
  absl::StatusOr<std::unique_ptr<Reader>> reader = make_();
  if (reader.ok()) return Lease(*this, *std::move(reader));
  Return(nullptr);
  return reader.status();
}

void ReaderPool::Return(std::unique_ptr<Reader> reader) {
  base::MutexLock lock(mutex_);
  --borrowed_;
  if (reader != nullptr) idle_.push_back(std::move(reader));
  changed_.NotifyAll();
}

void ReaderPool::RunWithoutReaders(absl::AnyInvocable<void()> task) {
  {
    base::MutexLock lock(mutex_);
    closed_ = true;
    while (borrowed_ > 0) changed_.Wait(mutex_);
  }
  task();
  base::MutexLock lock(mutex_);
  closed_ = false;
  changed_.NotifyAll();
}

}  // namespace trainyard::store
