#include "cli/session.h"

#include <regex.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"
#include "trainyard/admin/v1/admin.pb.h"

namespace trainyard::cli {
namespace {

namespace v1 = google::cloud::aiplatform::v1;
constexpr char kReadJobLog[] = "trainyard.admin.v1.AdminService/ReadJobLog";
constexpr char kGetCustomJob[] = "google.cloud.aiplatform.v1.JobService/GetCustomJob";

class Pattern {
 public:
  static absl::StatusOr<std::unique_ptr<Pattern>> Compile(const std::string& text) {
    auto pattern = std::make_unique<Pattern>();
    if (text.empty()) return pattern;
    if (int error = regcomp(&pattern->regex_, text.c_str(), REG_EXTENDED | REG_NOSUB); error != 0) {
      char message[128];
      regerror(error, &pattern->regex_, message, sizeof(message));
      return absl::InvalidArgumentError(absl::StrCat("--grep: ", message));
    }
    pattern->set_ = true;
    return pattern;
  }
  ~Pattern() {
    if (set_) regfree(&regex_);
  }
  bool Matches(const std::string& text) const {
    return !set_ || regexec(&regex_, text.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t regex_ = {};
  bool set_ = false;
};

void PrintLine(const trainyard::admin::v1::LogLine& line, bool raw) {
  const char* end = line.continued() ? "" : "\n";
  if (raw) {
    if (line.stream() == "service") return;
    FILE* out = line.stream() == "stderr" ? stderr : stdout;
    std::fwrite(line.text().data(), 1, line.text().size(), out);
    std::fputs(end, out);
    return;
  }
  absl::Time time =
      absl::FromUnixSeconds(line.time().seconds()) + absl::Nanoseconds(line.time().nanos());
  std::printf("%s %-13s %-7s %s%s",
              absl::FormatTime("%H:%M:%E3S", time, absl::LocalTimeZone()).c_str(),
              line.task().c_str(), line.severity().c_str(), line.text().c_str(), end);
}

bool HasEnded(const v1::CustomJob& job) {
  return job.state() == v1::JOB_STATE_SUCCEEDED || job.state() == v1::JOB_STATE_FAILED ||
         job.state() == v1::JOB_STATE_CANCELLED;
}

}  // namespace

Format Session::OutputFormat() const {
  return format == "json" ? Format::kJson : format == "yaml" ? Format::kYaml : Format::kTable;
}

absl::StatusOr<ApiClient*> Session::Client() {
  if (client_ == nullptr) {
    RETURN_IF_ERROR(CompleteTarget(environment, target));
    ASSIGN_OR_RETURN(client_, Connect(target, clock));
  }
  return client_.get();
}

std::function<int()> Act(std::function<absl::StatusOr<int>()> run) {
  return [run = std::move(run)] {
    absl::StatusOr<int> code = run();
    return code.ok() ? *code : Fail(code.status());
  };
}

absl::StatusOr<std::string> ReadLocalFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return base::ErrnoStatus(errno, path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Session::JobName(const std::string& text) const {
  if (absl::StrContains(text, '/')) return text;
  return absl::StrCat(target.Parent(), "/customJobs/", text);
}

absl::Status PrintLog(ApiClient& client, const std::string& job, const LogOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<Pattern> pattern, Pattern::Compile(options.grep));
  trainyard::admin::v1::ReadJobLogRequest request;
  request.set_name(job);
  request.set_task(options.task);
  if (options.since != absl::InfinitePast())
    request.mutable_since()->set_seconds(absl::ToUnixSeconds(options.since));
  if (options.follow) request.mutable_wait()->set_seconds(20);
  while (true) {
    trainyard::admin::v1::ReadJobLogResponse response;
    RETURN_IF_ERROR(client.Call(kReadJobLog, request, response));
    for (const auto& line : response.lines()) {
      if (pattern->Matches(line.text())) PrintLine(line, options.raw);
    }
    std::fflush(stdout);
    if (response.ended()) return absl::OkStatus();
    if (!options.follow && response.lines().empty()) return absl::OkStatus();
    request.set_cursor(response.cursor());
  }
}

absl::StatusOr<v1::CustomJob> WaitForEnd(ApiClient& client, const std::string& job,
                                         absl::Duration timeout, const base::Clock& clock) {
  absl::Duration end = clock.Monotonic() + timeout;
  // The log's long poll is the wait: it returns as soon as the job has ended.
  trainyard::admin::v1::ReadJobLogRequest request;
  request.set_name(job);
  request.set_lines_max(1000);
  while (true) {
    v1::GetCustomJobRequest get;
    get.set_name(job);
    v1::CustomJob state;
    RETURN_IF_ERROR(client.Call(kGetCustomJob, get, state));
    if (HasEnded(state)) return state;
    absl::Duration left = end - clock.Monotonic();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(
          absl::StrCat(job, " has not ended; it is ", v1::JobState_Name(state.state())));
    }
    trainyard::admin::v1::ReadJobLogResponse response;
    request.mutable_wait()->set_seconds(std::clamp<int64_t>(absl::ToInt64Seconds(left), 1, 20));
    RETURN_IF_ERROR(client.Call(kReadJobLog, request, response));
    request.set_cursor(response.cursor());
  }
}

int ExitCodeOf(const v1::CustomJob& job) {
  if (job.state() == v1::JOB_STATE_SUCCEEDED) return kExitOk;
  std::fprintf(stderr, "%s: %s\n", v1::JobState_Name(job.state()).c_str(),
               job.error().message().c_str());
  return job.state() == v1::JOB_STATE_CANCELLED ? kExitJobCancelled : kExitJobFailed;
}

absl::StatusOr<absl::Time> ParseSince(const std::string& text, absl::Time now) {
  absl::Duration ago;
  if (absl::ParseDuration(text, &ago)) return now - ago;
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return time;
  return absl::InvalidArgumentError(
      absl::StrCat("--since ", text, ": expected 30s, 10m, 2h or a time as 2026-01-02T03:04:05Z"));
}

}  // namespace trainyard::cli
