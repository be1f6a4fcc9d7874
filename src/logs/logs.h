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
  std::string directory;  // of the task; made when absent
  uint64_t bytes_max = uint64_t{1} << 30;
  mode_t mode = 0600;
};

// Threads: one at a time. Batch: lines are buffered until Flush; Sync makes them durable.
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
  bool newest_first = false;  // then `cursor` is ignored: the last `lines_max` lines, newest first
};

// Threads: any.
class Reader {
 public:
  Reader(base::Disk& disk, std::string root) : disk_(disk), root_(std::move(root)) {}
  // Lines after `cursor` in (time, task, sequence) order; moves the cursor. NOT_FOUND is never
  // returned: a job without a log has no lines.
  absl::StatusOr<std::vector<TaskLine>> Read(const std::string& job_id, Cursor& cursor,
                                             const ReadOptions& options) const;
  // Job ids that have a log.
  absl::StatusOr<std::vector<std::string>> ListJobs() const;
  absl::StatusOr<std::vector<std::string>> ListTasks(const std::string& job_id) const;
  absl::Status RemoveJob(const std::string& job_id) const;

 private:
  base::Disk& disk_;
  const std::string root_;
};

}  // namespace trainyard::logs
