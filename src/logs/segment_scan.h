// Lines of one segment in order, with a service line in place of what is damaged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "logs/segment.h"

namespace trainyard::logs {

// Threads: one.
class SegmentScan {
 public:
  // `next_first_sequence` is the next segment's; 0: this is the last one, which may still grow.
  SegmentScan(SegmentDecoder decoder, uint64_t next_first_sequence)
      : decoder_(std::move(decoder)), next_first_sequence_(next_first_sequence) {}

  // Stands at the block's first record.
  void Seek(const Block& block);
  SegmentDecoder& decoder() { return decoder_; }

  // False at the end.
  absl::StatusOr<bool> Next(Line& line);
  // The line that Next gave declares a loss.
  bool was_loss() const { return was_loss_; }
  // Where the next record starts.
  uint64_t position() const { return pending_.has_value() ? pending_start_ : decoder_.position(); }
  // Behind the last line: the sequence of the next one that will be written.
  uint64_t end_sequence() const { return end_sequence_; }

 private:
  // Finds the next whole record behind damage; it becomes pending.
  absl::StatusOr<bool> FindSoundRecord();
  absl::StatusOr<bool> TakePending();
  // The line that declares the loss of [first, end).
  Line LossOf(uint64_t first, uint64_t end);
  absl::StatusOr<bool> Finish(RecordKind kind, Line& line);

  SegmentDecoder decoder_;
  uint64_t next_first_sequence_;
  bool ended_ = false;
  bool was_loss_ = false;
  uint64_t end_sequence_ = 0;
  uint64_t reached_sequence_ = 0;  // the highest that a header names behind damage without end
  absl::Time last_time_ = absl::UnixEpoch();
  std::optional<Line> pending_;  // behind a loss that was declared
  uint64_t pending_start_ = 0;
};

}  // namespace trainyard::logs
