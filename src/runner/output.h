// The job's stdout and stderr on their way into its log.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/descriptor.h"
#include "logs/logs.h"

namespace trainyard::runner {

// The last bytes of a stream, from the start of a line where one is in reach. Threads: one.
class Tail {
 public:
  explicit Tail(size_t bytes_max) : bytes_max_(bytes_max) {}
  void Append(absl::string_view bytes);
  std::string Text() const;

 private:
  const size_t bytes_max_;
  bool cut_ = false;  // something was before
  std::string bytes_;
};

// Both streams of one job. A log that cannot be written loses bytes, never stops the job; what was
// lost is said in the log as soon as it can be written again. Threads: one.
class Output {
 public:
  Output(const base::Clock& clock, std::unique_ptr<logs::Writer> log);

  void Append(logs::Stream stream, absl::string_view bytes);
  // Readers see everything appended before.
  void Flush();
  // When Flush is due although more keeps coming; InfiniteDuration when nothing waits.
  absl::Duration FlushDue() const { return flush_due_; }
  bool waiting() const { return flush_due_ != absl::InfiniteDuration(); }
  // Ends unfinished lines and makes the log durable.
  void Finish();

  std::string stderr_tail() const { return stderr_tail_.Text(); }

 private:
  void Lose(const absl::Status& status, size_t bytes);
  void ConfessLoss();

  const base::Clock& clock_;
  const std::unique_ptr<logs::Writer> log_;
  Tail stderr_tail_;
  absl::Duration flush_due_ = absl::InfiniteDuration();
  uint64_t lost_bytes_ = 0;
  absl::Status loss_;
};

}  // namespace trainyard::runner
