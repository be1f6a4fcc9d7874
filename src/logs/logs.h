// Durable log segments: the writer (used by the runner, and by the server for its own lines) and
// the reader.
//
// Layout: DIRECTORY/<job id>/<task>/<first sequence, 16 hex digits>.log. A segment is a sequence of
// checksummed records (format: logs/segment.h). A torn tail is cut off when a writer opens the
// directory again, and a record says how much was lost. A segment is closed at
// limits::kLogSegmentBytesMax; the oldest go when a task exceeds its budget, and a record says so.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/disk.h"

namespace trainyard::logs {

enum class Stream : uint8_t { kStdout = 0, kStderr = 1, kService = 2 };

struct Line {
  uint64_t sequence = 0;  // within the task, from 1, without gaps
  absl::Time time;        // microseconds
  Stream stream = Stream::kStdout;
  bool error = false;      // a service line of severity ERROR
  bool continued = false;  // the next record carries on this line
  std::string text;        // without its newline; any bytes
};

struct WriterOptions {
  std::string directory;                              // of the task; made when absent
  uint64_t bytes_max = uint64_t{1} << 30;             // of all segments: the oldest go beyond it
  absl::Duration age_max = absl::InfiniteDuration();  // segments last written before it go
  mode_t mode = 0600;
};

// Threads: one at a time; one writer for a directory. Batch: lines are buffered until Flush; Sync
// makes them durable. Times within a task never go back: a clock that is set back is passed over at
// the pace of monotonic time.
//
// A failed write loses what was buffered, and the status says why; go on calling: the writer tries
// again from time to time and then declares in the log how many lines were lost.
class Writer {
 public:
  static absl::StatusOr<std::unique_ptr<Writer>> Open(base::Disk& disk, const base::Clock& clock,
                                                      WriterOptions options);
  virtual ~Writer() = default;
  // Splits at newlines; holds an unfinished last line until more comes, kLogLineBytesMax is
  // reached, or FinishLine.
  virtual absl::Status AppendBytes(Stream stream, absl::string_view bytes) = 0;
  virtual absl::Status FinishLine(Stream stream) = 0;
  virtual absl::Status AppendLine(Stream stream, absl::string_view text, bool error) = 0;
  // Readers see everything appended before.
  virtual absl::Status Flush() = 0;
  virtual absl::Status Sync() = 0;
};

// A place in one job's log: for each task the last sequence read. Opaque text for clients.
struct Cursor {
  std::vector<std::pair<std::string, uint64_t>> tasks;  // sorted by task
  std::string ToString() const;
  static absl::StatusOr<Cursor> Parse(absl::string_view text);
};

struct TaskLine {
  std::string task;
  Line line;
};

struct ReadOptions {
  std::string task;                           // empty: all
  absl::Time since = absl::InfinitePast();    // inclusive
  absl::Time until = absl::InfiniteFuture();  // exclusive
  int lines_max = 1000;
  uint64_t bytes_max = 4 << 20;
  // Newest first: the last lines before `cursor` (an empty one: the end), which moves back; the
  // next call gives the page before, whatever was appended meanwhile.
  bool newest_first = false;
};

// Threads: any.
class Reader {
 public:
  Reader(base::Disk& disk, std::string root) : disk_(disk), root_(std::move(root)) {}
  // Lines after `cursor` in (time, task, sequence) order; moves the cursor. NOT_FOUND is never
  // returned: a job without a log has no lines. In place of damage there is one service line that
  // says what is lost. Costs a few small reads a task, and the lines: what was read before is not
  // read again.
  absl::StatusOr<std::vector<TaskLine>> Read(const std::string& job_id, Cursor& cursor,
                                             const ReadOptions& options) const;
  // Job ids that have a log.
  absl::StatusOr<std::vector<std::string>> ListJobs() const;
  absl::StatusOr<std::vector<std::string>> ListTasks(const std::string& job_id) const;
  absl::Status RemoveJob(const std::string& job_id) const;
  // Removes the logs of jobs that nothing was written to since `time`; returns their ids.
  absl::StatusOr<std::vector<std::string>> RemoveOlderThan(absl::Time time) const;

 private:
  base::Disk& disk_;
  const std::string root_;
};

}  // namespace trainyard::logs
