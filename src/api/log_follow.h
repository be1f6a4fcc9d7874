// Reading a job's log from a cursor on, and waiting for more without holding a thread.
#pragma once

#include <atomic>
#include <memory>

#include "api/services.h"
#include "edge/call.h"
#include "trainyard/admin/v1/admin.pb.h"

namespace trainyard::api {

// Threads: any.
class LogFollow : public std::enable_shared_from_this<LogFollow> {
 public:
  explicit LogFollow(const Services& services) : services_(services) {}

  // Answers at once when there are lines, when the job has ended, or when nothing is to be waited
  // for; else looks again and again on the executor for waits until the time asked is up. A request
  // beyond the number of waiting ones that this server keeps is not kept waiting.
  void Read(const edge::Call& call, const trainyard::admin::v1::ReadJobLogRequest& request,
            edge::Responder respond);

 private:
  struct Waiting;
  // Null: nothing to tell yet.
  absl::StatusOr<std::unique_ptr<trainyard::admin::v1::ReadJobLogResponse>> Look(Waiting& waiting);
  void LookAgain(std::shared_ptr<Waiting> waiting);

  const Services services_;
  std::atomic<int> waiting_count_ = 0;
};

}  // namespace trainyard::api
