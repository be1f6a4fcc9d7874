// Read connections, shared by all threads that read.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "store/reader.h"

namespace trainyard::store {

// Makes readers as they are needed, up to a limit; then a borrower waits. Threads: any.
class ReaderPool {
 public:
  using Make = std::function<absl::StatusOr<std::unique_ptr<Reader>>()>;

  ReaderPool(Make make, int readers_max) : make_(std::move(make)), readers_max_(readers_max) {}

  // A reader on loan; the destructor gives it back.
  class Lease {
   public:
    Lease(ReaderPool& pool, std::unique_ptr<Reader> reader)
        : pool_(&pool), reader_(std::move(reader)) {}
    Lease(Lease&& other) noexcept = default;
    ~Lease() {
      if (reader_ != nullptr) pool_->Return(std::move(reader_));
    }
    Reader* operator->() const { return reader_.get(); }

   private:
    ReaderPool* pool_;
    std::unique_ptr<Reader> reader_;
  };

  absl::StatusOr<Lease> Borrow() EXCLUDES(mutex_);
  // Runs `task` while nobody reads: waits for those who do, and lets the next ones wait.
  void RunWithoutReaders(absl::AnyInvocable<void()> task) EXCLUDES(mutex_);

 private:
  void Return(std::unique_ptr<Reader> reader) EXCLUDES(mutex_);

  const Make make_;
  const int readers_max_;
  base::Mutex mutex_;
  base::ConditionVariable changed_;
  std::vector<std::unique_ptr<Reader>> idle_ GUARDED_BY(mutex_);
  int borrowed_ GUARDED_BY(mutex_) = 0;
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace trainyard::store
