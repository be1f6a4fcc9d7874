#include "objects/bucket_walk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/status.h"
#include "objects/object_name.h"

namespace trainyard::objects {
namespace {

constexpr size_t kCachedDirectoryMin = 256;  // names; a smaller one is read each time
constexpr size_t kCachedNamesMax = 4'000'000;
// Two changes within the clock's step look like one: what changed just now is not kept.
constexpr absl::Duration kSettled = absl::Seconds(1);

}  // namespace

absl::StatusOr<DirectoryEntries> DirectoryCache::List(int bucket, const std::string& path) {
  ASSIGN_OR_RETURN(base::Descriptor directory, OpenDirectoryBeneath(bucket, path));
  ASSIGN_OR_RETURN(Fingerprint fingerprint, FingerprintOf(directory.get()));
  {
    base::MutexLock lock(mutex_);
    auto found = std::find_if(cached_.begin(), cached_.end(), [&](const Cached& cached) {
      return cached.fingerprint == fingerprint;
    });
    if (found != cached_.end()) {
      cached_.splice(cached_.begin(), cached_, found);
      return found->entries;
    }
  }
  ASSIGN_OR_RETURN(std::vector<DirectoryEntry> list, ListDirectory(directory.get()));
  auto entries = std::make_shared<const std::vector<DirectoryEntry>>(std::move(list));
  bool settled = absl::FromUnixNanos(fingerprint.changed_ns) < clock_.Now() - kSettled;
  if (!settled || entries->size() < kCachedDirectoryMin || entries->size() > kCachedNamesMax) {
    return entries;
  }
  base::MutexLock lock(mutex_);
  cached_.push_front({fingerprint, entries});
  names_ += entries->size();
  while (names_ > kCachedNamesMax) {
    names_ -= cached_.back().entries->size();
    cached_.pop_back();
  }
  return entries;
}

absl::Status BucketWalk::Enter(const std::string& prefix) {
  std::string path = prefix.empty() ? "" : prefix.substr(0, prefix.size() - 1);
  absl::StatusOr<DirectoryEntries> entries = cache_.List(bucket_, path);
  if (!entries.ok())
    return absl::IsNotFound(entries.status()) ? absl::OkStatus() : entries.status();
  levels_.push_back({prefix, *std::move(entries), 0});
  return absl::OkStatus();
}

absl::Status BucketWalk::Seek(const std::string& bound) {
  levels_.clear();
  RETURN_IF_ERROR(Enter(""));
  while (!levels_.empty()) {
    Level& level = levels_.back();
    absl::string_view rest = absl::string_view(bound).substr(level.prefix.size());
    auto first = std::lower_bound(
        level.entries->begin(), level.entries->end(), rest,
        [](const DirectoryEntry& entry, absl::string_view value) { return entry.key < value; });
    level.next = static_cast<size_t>(first - level.entries->begin());
    // The directory that the bound leads through is less than it, and stands right before.
    if (level.next == 0) break;
    const DirectoryEntry& before = (*level.entries)[level.next - 1];
    if (!before.is_directory() || !absl::StartsWith(rest, before.key)) break;
    std::string prefix = level.prefix + before.key;
    size_t depth = levels_.size();
    if (IsObjectName(prefix)) RETURN_IF_ERROR(Enter(prefix));
    if (levels_.size() == depth) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> BucketWalk::Next() {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.next == level.entries->size()) {
      levels_.pop_back();
      continue;
    }
    const DirectoryEntry& entry = (*level.entries)[level.next++];
    std::string name = level.prefix + entry.key;
    if (!IsObjectName(name)) continue;
    if (entry.is_directory()) RETURN_IF_ERROR(Enter(name));
    return name;
  }
  return std::string();
}

}  // namespace trainyard::objects
