#include "control/batch.h"

#include <memory>
#include <utility>

#include "base/log.h"
#include "control/live_record.h"
#include "model/job_state.h"

namespace trainyard::control {
namespace {

using trainyard::store::v1::CustomJobRecord;

bool SameDesired(const std::vector<LiveReplica>& left, const std::vector<LiveReplica>& right) {
  if (left.size() != right.size()) return false;
  for (size_t i = 0; i < left.size(); ++i) {
    if (left[i].desired != right[i].desired || left[i].stop != right[i].stop ||
        left[i].presence != right[i].presence) {
      return false;
    }
  }
  return true;
}

}  // namespace

void Batch::Create(CustomJobRecord record) {
  created_.push_back(record.job().name());
  auto [entry, added] = entries_.try_emplace(created_.back());
  CHECK(added);
  entry->second.edit.record = std::move(record);
  entry->second.edit.live.position = jobs_.NextPosition();
  entry->second.edit.record_changed = true;
  Settle(entry->second);
}

bool Batch::Change(const std::string& name, absl::FunctionRef<void(JobEdit&)> change) {
  Entry* entry = Open(name);
  if (entry == nullptr) return false;
  change(entry->edit);
  Settle(*entry);
  return true;
}

const CustomJobRecord* Batch::Touched(const std::string& name) const {
  auto entry = entries_.find(name);
  return entry == entries_.end() ? nullptr : &entry->second.edit.record;
}

Batch::Entry* Batch::Open(const std::string& name) {
  auto entry = entries_.find(name);
  if (entry != entries_.end()) return &entry->second;
  const LiveJob* live = jobs_.Find(name);
  if (live == nullptr) return nullptr;
  Entry& opened = entries_[name];
  CHECK(opened.edit.record.ParseFromString(*live->bytes));
  opened.edit.live = *live;
  opened.before = *live;
  return &opened;
}

// Brings memory in line with the changed record.
void Batch::Settle(Entry& entry) {
  LiveJob& live = entry.edit.live;
  std::vector<LiveReplica> before =
      entry.before ? entry.before->replicas : std::vector<LiveReplica>();
  RefreshLive(entry.edit, jobs_.machine(), stop_grace_);
  desired_changed_ = desired_changed_ || !SameDesired(before, live.replicas);
  if (model::IsTerminal(live.state) && live.AllGone()) {
    jobs_.Erase(live.name);
  } else {
    jobs_.Set(live);
  }
}

// The jobs first: one that ended in this batch may be deleted in it too.
store::Transaction Batch::Seal() {
  store::Transaction transaction{.events = std::move(journal_.events)};
  for (auto& [name, entry] : entries_) {
    if (!entry.edit.record_changed) continue;
    auto bytes = std::make_shared<const std::string>(entry.edit.record.SerializeAsString());
    entry.edit.live.bytes = bytes;
    jobs_.SetBytes(name, bytes);
    transaction.writes.push_back({store::Write::Kind::kPut, StoredFrom(entry.edit.record, *bytes)});
  }
  for (store::Write& write : writes_) transaction.writes.push_back(std::move(write));
  return transaction;
}

void Batch::Undo() {
  for (auto& [name, entry] : entries_) {
    if (entry.before) {
      jobs_.Set(*std::move(entry.before));
    } else {
      jobs_.Erase(name);
    }
  }
}

}  // namespace trainyard::control
