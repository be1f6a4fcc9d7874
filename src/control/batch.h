// One transaction in the making: what several commands change together.
//
// Memory changes at once, so that each command sees what those before it did; Undo puts it back
// when the transaction cannot be committed. Threads: the engine's.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "control/job_edit.h"
#include "control/journal.h"
#include "control/live_jobs.h"
#include "store/store.h"

namespace trainyard::control {

class Batch {
 public:
  struct Entry {
    JobEdit edit;
    std::optional<LiveJob> before;
  };

  Batch(LiveJobs& jobs, const Moment& moment, absl::Duration stop_grace)
      : jobs_(jobs), moment_(moment), stop_grace_(stop_grace) {}

  const LiveJobs& jobs() const { return jobs_; }
  const Moment& moment() const { return moment_; }
  Journal& journal() { return journal_; }

  // A new job, at the end of the queue.
  void Create(trainyard::store::v1::CustomJobRecord record);
  // Their names, in order.
  const std::vector<std::string>& created() const { return created_; }
  // Changes a job that lives, or did when the batch began. False, and nothing happens, when there
  // is none.
  bool Change(const std::string& name, absl::FunctionRef<void(JobEdit&)> change);
  // The record as this batch leaves it; null when the batch has not touched it.
  const trainyard::store::v1::CustomJobRecord* Touched(const std::string& name) const;
  // A record that is no job's, or a job's that has ended.
  void Write(store::Write write) { writes_.push_back(std::move(write)); }
  // Marks an ended job deleted; false when an earlier command of the batch did.
  bool MarkDeleted(const std::string& name) { return deleted_.insert(name).second; }

  // Serializes what changed. Nothing may be changed after it.
  store::Transaction Seal();
  // The transaction failed: memory is again as it was.
  void Undo();
  // Jobs that were touched, by name; valid after Seal.
  const std::map<std::string, Entry>& entries() const { return entries_; }
  // Whether the runtime's desired set is another than before.
  bool desired_changed() const { return desired_changed_; }

 private:
  Entry* Open(const std::string& name);
  void Settle(Entry& entry);

  LiveJobs& jobs_;
  const Moment moment_;
  const absl::Duration stop_grace_;
  Journal journal_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> created_;
  std::set<std::string> deleted_;
  std::vector<store::Write> writes_;
  bool desired_changed_ = false;
};

}  // namespace trainyard::control
