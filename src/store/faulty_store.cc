#include "store/faulty_store.h"

#include "base/status.h"

namespace trainyard::store {

absl::StatusOr<int64_t> FaultyStore::Commit(const Transaction& transaction) {
  CommitFault fault = commit_ == nullptr ? CommitFault{} : commit_(transaction);
  if (fault.when == CommitFault::When::kBefore) return fault.status;
  absl::StatusOr<int64_t> revision = store_.Commit(transaction);
  if (fault.when == CommitFault::When::kAfter && revision.ok()) return fault.status;
  return revision;
}

absl::StatusOr<Record> FaultyStore::Get(const std::string& kind, const std::string& name) {
  RETURN_IF_ERROR(ReadFault("get"));
  return store_.Get(kind, name);
}

absl::StatusOr<Page> FaultyStore::List(const ListQuery& query) {
  RETURN_IF_ERROR(ReadFault("list"));
  return store_.List(query);
}

absl::StatusOr<std::vector<Record>> FaultyStore::ListLive(const std::string& kind) {
  RETURN_IF_ERROR(ReadFault("list live"));
  return store_.ListLive(kind);
}

absl::StatusOr<std::vector<Row>> FaultyStore::ReadEvents(int64_t sequence, int count) {
  RETURN_IF_ERROR(ReadFault("read events"));
  return store_.ReadEvents(sequence, count);
}

absl::Status FaultyStore::CheckSpace() {
  RETURN_IF_ERROR(ReadFault("check space"));
  return store_.CheckSpace();
}

}  // namespace trainyard::store
