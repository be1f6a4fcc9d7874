// One invocation of the command line.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "cli/connection.h"
#include "cli/output.h"
#include "google/cloud/aiplatform/v1/custom_job.pb.h"

namespace CLI {
class App;
}

namespace trainyard::cli {

struct Session {
  explicit Session(const base::Clock& the_clock) : clock(the_clock) {}

  const base::Clock& clock;
  std::map<std::string, std::string> environment;
  Target target;
  std::string format = "table";
  std::function<int()> action;  // set by the command that was chosen; its result is the exit code

  Format OutputFormat() const;
  // Completes the target and connects; once.
  absl::StatusOr<ApiClient*> Client();
  // A numeric id or a full name -> the full name.
  std::string JobName(const std::string& text) const;

 private:
  std::unique_ptr<ApiClient> client_;
};

// A command's work as an action: its exit code, or the error printed.
std::function<int()> Act(std::function<absl::StatusOr<int>()> run);

// A file of the user's; NOT_FOUND names it.
absl::StatusOr<std::string> ReadLocalFile(const std::string& path);

// Each adds its commands; `--help` of each teaches by example.
void AddJobsCommands(CLI::App& app, Session& session);
void AddRunCommand(CLI::App& app, Session& session);
void AddStorageCommands(CLI::App& app, Session& session);
void AddKeysCommands(CLI::App& app, Session& session);
void AddEnvironmentCommands(CLI::App& app, Session& session);  // env, exec

// Prints log lines until the job has ended (`follow`), or until there are no more. Lines of the
// user's processes go to stdout and stderr as they were written when `raw`, else with time, task
// and severity.
struct LogOptions {
  bool follow = false;
  bool raw = false;
  std::string task;
  absl::Time since = absl::InfinitePast();
  std::string grep;  // regular expression (RE2 is not needed: POSIX extended)
};
absl::Status PrintLog(ApiClient& client, const std::string& job, const LogOptions& options);

// Polls until the job has ended.
absl::StatusOr<google::cloud::aiplatform::v1::CustomJob> WaitForEnd(ApiClient& client,
                                                                    const std::string& job,
                                                                    absl::Duration timeout,
                                                                    const base::Clock& clock);
// The exit code that tells how a job ended; prints the error of one that failed.
int ExitCodeOf(const google::cloud::aiplatform::v1::CustomJob& job);

// "10m", "2h", "30s", or an RFC 3339 time.
absl::StatusOr<absl::Time> ParseSince(const std::string& text, absl::Time now);

}  // namespace trainyard::cli
