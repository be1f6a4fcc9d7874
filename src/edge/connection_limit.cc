#include "edge/connection_limit.h"

#include <sys/stat.h>

namespace trainyard::edge {
namespace {

// 0 when there is no such descriptor.
ino_t InodeOf(int fd) {
  struct stat info {};
  return fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode) ? info.st_ino : 0;
}

}  // namespace

bool ConnectionLimit::TryEnter() {
  base::MutexLock lock(mutex_);
  auto full = [this]() REQUIRES(mutex_) {
    return entered_ + static_cast<int>(given_.size()) >= connections_max_;
  };
  if (full()) ForgetClosed();
  if (full()) return false;
  ++entered_;
  return true;
}

void ConnectionLimit::Leave() {
  base::MutexLock lock(mutex_);
  --entered_;
}

void ConnectionLimit::GiveAway(int fd) {
  base::MutexLock lock(mutex_);
  --entered_;
  given_.push_back({fd, InodeOf(fd)});
}

void ConnectionLimit::ForgetClosed() {
  std::erase_if(given_, [](const Given& given) { return InodeOf(given.fd) != given.inode; });
}

}  // namespace trainyard::edge
