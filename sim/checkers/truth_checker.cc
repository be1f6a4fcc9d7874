#include <map>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "model/job_state.h"
#include "sim/checkers/checkers.h"

namespace trainyard::sim {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

class TruthChecker final : public Checker {
 public:
  using Checker::Checker;

  void OnProcessStart(const control::DesiredReplica& replica) override {
    exits_.erase(replica.job_id);
  }
  void OnProcessExit(const control::DesiredReplica& replica, int exit_code) override {
    exits_[replica.job_id] = exit_code;
  }

  void OnRead(const CustomJob& job) override {
    bool ended = model::IsTerminal(job.state());
    bool failed = job.state() == v1::JOB_STATE_FAILED || job.state() == v1::JOB_STATE_CANCELLED;
    if (ended != job.has_end_time()) Say(job, "end_time does not fit the state");
    if (failed != job.has_error()) Say(job, "error does not fit the state");
    if (failed && (job.error().code() == 0 || job.error().message().empty())) {
      Say(job, "an error without a code or a text");
    }
    CheckTimes(job);
    if (job.state() != v1::JOB_STATE_SUCCEEDED) return;
    auto exit = exits_.find(job.name().substr(job.name().rfind('/') + 1));
    if (exit == exits_.end() || exit->second != 0) Say(job, "its last process did not exit with 0");
  }

 private:
  void Say(const CustomJob& job, const char* what) {
    Fail(absl::StrCat(job.name(), " ", v1::JobState_Name(job.state()), ": ", what));
  }

  void CheckTimes(const CustomJob& job) {
    using google::protobuf::util::TimeUtil;
    int64_t create = TimeUtil::TimestampToMicroseconds(job.create_time());
    int64_t start = TimeUtil::TimestampToMicroseconds(job.start_time());
    int64_t end = TimeUtil::TimestampToMicroseconds(job.end_time());
    int64_t update = TimeUtil::TimestampToMicroseconds(job.update_time());
    bool ordered = create <= update && (!job.has_start_time() || create <= start) &&
                   (!job.has_end_time() || (start <= end && create <= end && end <= update));
    if (!ordered) Say(job, "its times are not in order");
    if (job.state() == v1::JOB_STATE_RUNNING && !job.has_start_time()) Say(job, "no start_time");
  }

  std::map<std::string, int> exits_;  // job id, the status of its last process
};

}  // namespace

std::unique_ptr<Checker> MakeTruthChecker(Findings& findings) {
  return std::make_unique<TruthChecker>(findings);
}

}  // namespace trainyard::sim
