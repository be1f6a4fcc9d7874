#include "logs/task_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace trainyard::logs {

absl::StatusOr<std::vector<SegmentFile>> ListSegments(base::Disk& disk,
                                                      const std::string& directory) {
  absl::StatusOr<std::vector<std::string>> names = disk.List(directory);
  if (absl::IsNotFound(names.status())) return std::vector<SegmentFile>();
  if (!names.ok()) return names.status();
  std::vector<SegmentFile> segments;
  for (const std::string& name : *names) {  // sorted, and names sort as their numbers do
    std::optional<uint64_t> first = ParseSegmentName(name);
    if (first.has_value()) segments.push_back({*first, absl::StrCat(directory, "/", name)});
  }
  return segments;
}

absl::StatusOr<std::optional<SegmentScan>> TaskLog::OpenSegment(size_t index) {
  const SegmentFile& segment = segments_[index];
  absl::StatusOr<base::FileInfo> info = disk_.Stat(segment.path);
  if (absl::IsNotFound(info.status())) return std::nullopt;
  if (!info.ok()) return info.status();
  uint64_t next = index + 1 < segments_.size() ? segments_[index + 1].first_sequence : 0;
  return SegmentScan(
      SegmentDecoder(ReadFrom(disk_, segment.path), info->size_bytes, segment.first_sequence),
      next);
}

size_t TaskLog::IndexOf(uint64_t sequence) const {
  auto behind = std::upper_bound(
      segments_.begin(), segments_.end(), sequence,
      [](uint64_t value, const SegmentFile& segment) { return value < segment.first_sequence; });
  return behind == segments_.begin() ? 0 : static_cast<size_t>(behind - segments_.begin()) - 1;
}

absl::StatusOr<size_t> TaskLog::IndexBefore(absl::Time time) {
  size_t index = segments_.size() - 1;
  for (; index > 0; --index) {
    ASSIGN_OR_RETURN(std::optional<SegmentScan> scan, OpenSegment(index));
    if (!scan.has_value() || scan->decoder().size_bytes() == 0) continue;
    absl::StatusOr<std::optional<Block>> block = scan->decoder().FindBlock(0, 0);
    if (absl::IsNotFound(block.status())) continue;
    if (!block.ok()) return block.status();
    if (absl::FromUnixMicros((*block)->header.floor_us) < time) break;
  }
  return index;
}

absl::Status TaskLog::SeekForward(uint64_t after, absl::Time since) {
  after_ = after;
  since_ = since;
  end_sequence_ = 0;
  index_ = 0;
  absl::Status found = FindForward();
  if (found.ok()) return found;
  scan_.reset();  // a removed segment: Next goes on behind it
  return absl::IsNotFound(found) ? absl::OkStatus() : found;
}

absl::Status TaskLog::FindForward() {
  scan_.reset();
  if (segments_.empty()) return absl::OkStatus();
  index_ = IndexOf(after_ + 1);
  if (since_ != absl::InfinitePast()) {
    ASSIGN_OR_RETURN(size_t by_time, IndexBefore(since_));
    index_ = std::max(index_, by_time);
  }
  ASSIGN_OR_RETURN(scan_, OpenSegment(index_));
  if (!scan_.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Block block, scan_->decoder().Bisect([&](const BlockHeader& header) {
    return header.first_sequence <= after_ + 1 || absl::FromUnixMicros(header.floor_us) < since_;
  }));
  scan_->Seek(block);
  return absl::OkStatus();
}

absl::StatusOr<bool> TaskLog::Next(Line& line) {
  while (index_ < segments_.size()) {
    absl::StatusOr<bool> more = scan_.has_value() ? scan_->Next(line) : false;
    if (!more.ok() && !absl::IsNotFound(more.status())) return more.status();
    if (more.ok() && *more) {
      if (line.sequence > after_ && line.time >= since_) return true;
      continue;
    }
    if (scan_.has_value()) end_sequence_ = scan_->end_sequence();
    if (index_ + 1 == segments_.size()) return false;
    ASSIGN_OR_RETURN(scan_, OpenSegment(++index_));
    if (!scan_.has_value()) continue;
    absl::StatusOr<std::optional<Block>> first = scan_->decoder().FindBlock(0, 0);
    if (absl::IsNotFound(first.status())) {
      scan_.reset();
      continue;
    }
    if (!first.ok()) return first.status();
    scan_->Seek(**first);
  }
  return false;
}

absl::Status TaskLog::SeekBackward(uint64_t before, absl::Time until) {
  before_ = before;
  until_ = until;
  lines_.clear();
  absl::Status found = FindBackward();
  if (found.ok()) return found;
  scan_.reset();  // a removed segment: those before it are removed as well
  return absl::IsNotFound(found) ? absl::OkStatus() : found;
}

absl::Status TaskLog::FindBackward() {
  scan_.reset();
  if (segments_.empty() || before_ == 0) return absl::OkStatus();
  index_ = IndexOf(before_ - 1);
  if (until_ != absl::InfiniteFuture()) {
    ASSIGN_OR_RETURN(size_t by_time, IndexBefore(until_));
    index_ = std::min(index_, by_time);
  }
  ASSIGN_OR_RETURN(scan_, OpenSegment(index_));
  if (!scan_.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Block block, scan_->decoder().Bisect([&](const BlockHeader& header) {
    return header.first_sequence < before_ && absl::FromUnixMicros(header.floor_us) < until_;
  }));
  // Blocks behind it that do not serve belong to it.
  blocks_left_ = block.index + 1;
  uint64_t count = scan_->decoder().block_count();
  for (; blocks_left_ < count; ++blocks_left_) {
    ASSIGN_OR_RETURN(std::optional<Block> next,
                     scan_->decoder().FindBlock(blocks_left_, blocks_left_));
    if (next.has_value()) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> TaskLog::Previous(Line& line) {
  while (true) {
    while (!lines_.empty()) {
      line = std::move(lines_.back());
      lines_.pop_back();
      if (line.sequence < before_ && line.time < until_) return true;
    }
    absl::Status loaded = LoadPreviousLines();
    if (absl::IsNotFound(loaded)) return false;
    RETURN_IF_ERROR(loaded);
    if (lines_.empty()) return false;
  }
}

absl::Status TaskLog::LoadPreviousLines() {
  while (lines_.empty()) {
    if (!scan_.has_value()) return absl::OkStatus();
    if (blocks_left_ == 0) {
      if (index_ == 0) return absl::OkStatus();
      ASSIGN_OR_RETURN(scan_, OpenSegment(--index_));
      if (scan_.has_value()) blocks_left_ = std::max<uint64_t>(scan_->decoder().block_count(), 1);
      continue;
    }
    bool last = blocks_left_ >= scan_->decoder().block_count();
    uint64_t end = last ? UINT64_MAX : blocks_left_ * kBlockBytes;
    bool starts_with_loss = true;
    // A loss may have begun before: then it is declared as one, as it is forward.
    for (uint64_t blocks = blocks_left_; blocks > 0 && starts_with_loss;) {
      ASSIGN_OR_RETURN(std::optional<Block> block, scan_->decoder().FindBlock(0, blocks - 1));
      blocks_left_ = blocks = block->index;
      ASSIGN_OR_RETURN(starts_with_loss, ReadBlocks(*block, end));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> TaskLog::ReadBlocks(const Block& first, uint64_t end) {
  lines_.clear();
  scan_->Seek(first);
  bool starts_with_loss = false;
  while (scan_->position() < end) {
    Line line;
    ASSIGN_OR_RETURN(bool more, scan_->Next(line));
    if (!more) break;
    if (lines_.empty()) starts_with_loss = scan_->was_loss();
    lines_.push_back(std::move(line));
  }
  return starts_with_loss;
}

}  // namespace trainyard::logs
