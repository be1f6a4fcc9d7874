#include "api/log_follow.h"

#include <algorithm>
#include <utility>

#include "api/log_entry.h"
#include "api/reply.h"
#include "base/status.h"
#include "logs/logs.h"
#include "model/job_state.h"
#include "model/names.h"
#include "model/valid_utf8.h"

namespace trainyard::api {
namespace {

namespace admin = trainyard::admin::v1;

constexpr absl::Duration kWaitMax = absl::Seconds(30);
constexpr absl::Duration kLookEvery = absl::Milliseconds(20);
// A look costs some small reads of files: with many that wait, each waits a little longer.
constexpr absl::Duration kLookEveryPerWaiting = absl::Milliseconds(1);
constexpr absl::Duration kDeadlineMargin = absl::Milliseconds(200);
constexpr int kWaitingMax = 1000;
constexpr int kLinesDefault = 1000;
constexpr int kLinesMax = 10'000;
// Well below the 4 MiB that a gRPC client takes by default.
constexpr uint64_t kBytesMax = 1 << 20;

const char* StreamName(logs::Stream stream) {
  switch (stream) {
    case logs::Stream::kStdout:
      return "stdout";
    case logs::Stream::kStderr:
      return "stderr";
    case logs::Stream::kService:
      return "service";
  }
  return "";
}

void AddLine(const logs::TaskLine& line, admin::ReadJobLogResponse& response) {
  admin::LogLine& added = *response.add_lines();
  *added.mutable_time() = ToTimestamp(line.line.time);
  added.set_task(line.task);
  added.set_severity(SeverityOf(line.line));
  added.set_text(model::ValidUtf8(line.line.text));
  added.set_stream(StreamName(line.line.stream));
  added.set_continued(line.line.continued);
}

}  // namespace

struct LogFollow::Waiting {
  std::string name;
  std::string job_id;
  logs::Cursor cursor;
  logs::ReadOptions options;
  absl::Duration until;  // of the monotonic clock
  edge::Responder respond;
};

void LogFollow::Read(const edge::Call& call, const admin::ReadJobLogRequest& request,
                     edge::Responder respond) {
  auto waiting = std::make_shared<Waiting>();
  absl::StatusOr<model::ResourceName> name = model::ParseResourceName(request.name(), "customJobs");
  if (!name.ok()) return respond(name.status());
  absl::StatusOr<logs::Cursor> cursor = logs::Cursor::Parse(request.cursor());
  if (!cursor.ok()) return respond(cursor.status());
  if (request.lines_max() < 0 || request.wait().seconds() < 0 || request.wait().nanos() < 0) {
    return respond(absl::InvalidArgumentError("lines_max and wait: must not be negative."));
  }
  waiting->name = request.name();
  waiting->job_id = name->id;
  waiting->cursor = *std::move(cursor);
  waiting->options.task = request.task();
  if (request.has_since()) waiting->options.since = FromTimestamp(request.since());
  waiting->options.lines_max =
      request.lines_max() == 0 ? kLinesDefault : std::min(request.lines_max(), kLinesMax);
  waiting->options.bytes_max = kBytesMax;
  absl::Duration wait =
      absl::Seconds(request.wait().seconds()) + absl::Nanoseconds(request.wait().nanos());
  wait = std::min({wait, kWaitMax, call.deadline - services_.clock.Now() - kDeadlineMargin});
  waiting->until = services_.clock.Monotonic() + wait;
  waiting->respond = std::move(respond);
  if (++waiting_count_ > kWaitingMax) waiting->until = services_.clock.Monotonic();
  LookAgain(std::move(waiting));
}

absl::StatusOr<std::unique_ptr<admin::ReadJobLogResponse>> LogFollow::Look(Waiting& waiting) {
  // The state first: the last line of a job that has ended is in its log by then.
  ASSIGN_OR_RETURN(control::CustomJob job, services_.engine.GetCustomJob(waiting.name));
  bool terminal = model::IsTerminal(job.state());
  ASSIGN_OR_RETURN(std::vector<logs::TaskLine> lines,
                   services_.logs.Read(waiting.job_id, waiting.cursor, waiting.options));
  bool time_is_up = services_.clock.Monotonic() >= waiting.until;
  if (lines.empty() && !terminal && !time_is_up) return nullptr;
  auto response = std::make_unique<admin::ReadJobLogResponse>();
  for (const logs::TaskLine& line : lines) AddLine(line, *response);
  response->set_cursor(waiting.cursor.ToString());
  if (terminal) {
    logs::Cursor ahead = waiting.cursor;
    ASSIGN_OR_RETURN(lines, services_.logs.Read(waiting.job_id, ahead, waiting.options));
    response->set_ended(lines.empty());
  }
  return response;
}

void LogFollow::LookAgain(std::shared_ptr<Waiting> waiting) {
  auto response = Look(*waiting);
  if (!response.ok() || *response != nullptr) {
    --waiting_count_;
    if (!response.ok()) return waiting->respond(response.status());
    return waiting->respond(*std::move(response));
  }
  absl::Duration delay = std::max(kLookEvery, kLookEveryPerWaiting * waiting_count_.load());
  delay = std::min(delay, waiting->until - services_.clock.Monotonic());
  services_.waits.PostAfter(std::max(delay, absl::ZeroDuration()),
                            [self = shared_from_this(), waiting = std::move(waiting)]() mutable {
                              self->LookAgain(std::move(waiting));
                            });
}

}  // namespace trainyard::api
