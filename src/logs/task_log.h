// One task's log: its segments in order, read forward from a place or backward from one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/disk.h"
#include "logs/segment_scan.h"

namespace trainyard::logs {

struct SegmentFile {
  uint64_t first_sequence = 0;
  std::string path;
};

// In order. Empty when the directory is not there.
absl::StatusOr<std::vector<SegmentFile>> ListSegments(base::Disk& disk,
                                                      const std::string& directory);

// Segments may be removed and the last one may grow meanwhile. Threads: one.
class TaskLog {
 public:
  TaskLog(base::Disk& disk, std::vector<SegmentFile> segments)
      : disk_(disk), segments_(std::move(segments)) {}

  // Stands before the first line with a sequence above `after` and a time from `since` on.
  absl::Status SeekForward(uint64_t after, absl::Time since);
  absl::StatusOr<bool> Next(Line& line);
  // Once Next is false: the sequence of the next line that will be written; 0 for an empty log.
  uint64_t end_sequence() const { return end_sequence_; }

  // Stands behind the last line with a sequence below `before` and a time before `until`.
  absl::Status SeekBackward(uint64_t before, absl::Time until);
  absl::StatusOr<bool> Previous(Line& line);

 private:
  absl::Status FindForward();
  absl::Status FindBackward();
  // nullopt when the segment was removed.
  absl::StatusOr<std::optional<SegmentScan>> OpenSegment(size_t index);
  // The last segment that starts at or before `sequence`; the last that starts before `time`.
  size_t IndexOf(uint64_t sequence) const;
  absl::StatusOr<size_t> IndexBefore(absl::Time time);
  // Reads blocks into `lines_` until there is a line or nothing before.
  absl::Status LoadPreviousLines();
  // Reads the lines that start from `first` on, before `end`, into `lines_`; true when they begin
  // with a loss.
  absl::StatusOr<bool> ReadBlocks(const Block& first, uint64_t end);

  base::Disk& disk_;
  std::vector<SegmentFile> segments_;
  size_t index_ = 0;  // of `scan_`
  std::optional<SegmentScan> scan_;
  uint64_t end_sequence_ = 0;

  uint64_t after_ = 0;
  absl::Time since_ = absl::InfinitePast();

  uint64_t before_ = 0;
  absl::Time until_ = absl::InfiniteFuture();
  uint64_t blocks_left_ = 0;  // of `scan_`, before those in `lines_`
  std::vector<Line> lines_;   // the last one is next
};

}  // namespace trainyard::logs
