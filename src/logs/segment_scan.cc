#include "logs/segment_scan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace trainyard::logs {

void SegmentScan::Seek(const Block& block) {
  decoder_.Seek(block);
  ended_ = false;
  pending_.reset();
  end_sequence_ = block.header.first_sequence;
  last_time_ = absl::FromUnixMicros(block.header.floor_us);
}

absl::StatusOr<bool> SegmentScan::Next(Line& line) {
  was_loss_ = false;
  if (pending_.has_value()) {
    line = *std::exchange(pending_, std::nullopt);
  } else if (ended_) {
    return false;
  } else {
    ASSIGN_OR_RETURN(RecordKind kind, decoder_.Next(line));
    if (kind != RecordKind::kLine) {
      uint64_t first = decoder_.next_sequence();
      absl::StatusOr<bool> found = kind == RecordKind::kEnd ? false : FindSoundRecord();
      if (!found.ok()) return found.status();
      if (!*found) return Finish(kind, line);
      line = LossOf(first, pending_->sequence);
    }
  }
  last_time_ = line.time;
  end_sequence_ = line.sequence + 1;
  return true;
}

absl::StatusOr<bool> SegmentScan::FindSoundRecord() {
  uint64_t first = decoder_.next_sequence();
  uint64_t damaged_block = decoder_.position() / kBlockBytes;
  reached_sequence_ = 0;
  ASSIGN_OR_RETURN(bool skipped, decoder_.SkipOne());
  if (skipped) return TakePending();
  for (uint64_t index = damaged_block + 1; index < decoder_.block_count(); ++index) {
    ASSIGN_OR_RETURN(std::optional<Block> block, decoder_.FindBlock(index, index));
    if (!block.has_value() || block->header.first_sequence <= first) continue;
    reached_sequence_ = block->header.first_sequence;
    decoder_.Seek(*block);
    ASSIGN_OR_RETURN(bool found, TakePending());
    if (found) return true;
    ASSIGN_OR_RETURN(skipped, decoder_.SkipOne());
    if (skipped) return TakePending();
  }
  return false;
}

absl::StatusOr<bool> SegmentScan::TakePending() {
  Line line;
  pending_start_ = decoder_.position();
  ASSIGN_OR_RETURN(RecordKind kind, decoder_.Next(line));
  if (kind == RecordKind::kLine) pending_ = std::move(line);
  return pending_.has_value();
}

absl::StatusOr<bool> SegmentScan::Finish(RecordKind kind, Line& line) {
  ended_ = true;
  uint64_t first = end_sequence_;
  if (next_first_sequence_ != 0) {
    if (first >= next_first_sequence_) return false;
    line = LossOf(first, next_first_sequence_);
  } else {
    // A record cut short at the end of the last segment may be on its way.
    if (kind != RecordKind::kDamaged) return false;
    line = LossOf(first, std::max(first, reached_sequence_) + 1);
    line.text = absl::StrCat("The log is damaged here: what follows line ", first - 1,
                             " cannot be read and is left out.");
  }
  end_sequence_ = line.sequence + 1;
  return true;
}

Line SegmentScan::LossOf(uint64_t first, uint64_t end) {
  was_loss_ = true;
  Line line{.sequence = end - 1, .time = last_time_, .stream = Stream::kService, .error = true};
  line.text = end - first == 1
                  ? absl::StrCat("The log is damaged here: line ", first, " is left out.")
                  : absl::StrCat("The log is damaged here: lines ", first, " to ", end - 1,
                                 " are left out.");
  return line;
}

}  // namespace trainyard::logs
