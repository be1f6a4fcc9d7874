#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/status.h"
#include "logs/logs.h"
#include "logs/segment.h"
#include "logs/task_log.h"

namespace trainyard::logs {
namespace {

using base::limits::kLogLineBytesMax;

constexpr size_t kBufferBytes = 256 << 10;
constexpr uint64_t kSegmentBytesMin = 64 << 10;
constexpr absl::Duration kRetryAfter = absl::Seconds(1);

// Where a segment's sound records end.
struct SegmentEnd {
  uint64_t size_bytes = 0;
  uint64_t last_sequence = 0;
  int64_t last_us = 0;
};

absl::StatusOr<SegmentEnd> FindEnd(base::Disk& disk, const SegmentFile& segment,
                                   uint64_t size_bytes) {
  if (size_bytes < kBlockHeaderBytes) return SegmentEnd{0, segment.first_sequence - 1, 0};
  SegmentDecoder decoder(ReadFrom(disk, segment.path), size_bytes, segment.first_sequence);
  Line line;
  bool found = false;
  for (uint64_t blocks = decoder.block_count(); blocks > 0 && !found;) {
    // Without a record in its last block, the one that reaches into it must be looked at.
    ASSIGN_OR_RETURN(std::optional<Block> block, decoder.FindBlock(0, blocks - 1));
    blocks = block->index;
    decoder.Seek(*block);
    line.time = absl::FromUnixMicros(block->header.floor_us);
    for (RecordKind kind = RecordKind::kLine; kind == RecordKind::kLine;) {
      ASSIGN_OR_RETURN(kind, decoder.Next(line));
      found = found || kind == RecordKind::kLine;
    }
  }
  uint64_t last_sequence = decoder.next_sequence() - 1;
  return SegmentEnd{.size_bytes = decoder.position() <= kBlockHeaderBytes ? 0 : decoder.position(),
                    .last_sequence = last_sequence,
                    .last_us = absl::ToUnixMicros(line.time)};
}

// How much of `text` makes a piece of at most kLogLineBytesMax: no UTF-8 character is cut in two.
size_t PieceLength(absl::string_view text) {
  if (text.size() <= kLogLineBytesMax) return text.size();
  size_t length = kLogLineBytesMax;
  while (length > kLogLineBytesMax - 4 && (text[length] & 0xc0) == 0x80) --length;
  return (text[length] & 0xc0) == 0x80 ? kLogLineBytesMax : length;
}

class SegmentWriter : public Writer {
 public:
  SegmentWriter(base::Disk& disk, const base::Clock& clock, WriterOptions options)
      : disk_(disk),
        clock_(clock),
        options_(std::move(options)),
        segment_bytes_max_(std::clamp(options_.bytes_max / 8, kSegmentBytesMin,
                                      base::limits::kLogSegmentBytesMax)),
        last_monotonic_(clock.Monotonic()) {}

  // Takes up the directory as it is, and declares what was cut off. The last sequence found.
  absl::StatusOr<uint64_t> Recover();

  absl::Status AppendBytes(Stream stream, absl::string_view bytes) override;
  absl::Status FinishLine(Stream stream) override;
  absl::Status AppendLine(Stream stream, absl::string_view text, bool error) override;
  absl::Status Flush() override;
  absl::Status Sync() override;

 private:
  struct Closed {
    SegmentFile file;
    uint64_t size_bytes = 0;
  };

  int64_t NowMicros();
  // Takes lines off `bytes`; what is left after a failure was not looked at.
  absl::Status SplitLines(Stream stream, int64_t now_us, absl::string_view& bytes);
  // Adds a record; starts a segment before it when this one is full.
  absl::Status Add(Stream stream, bool error, bool continued, int64_t now_us,
                   absl::string_view text);
  // All pieces of `text` but, unless it is `complete`, the last; returns how many bytes are left.
  absl::StatusOr<size_t> AddPieces(Stream stream, bool error, bool complete, int64_t now_us,
                                   absl::string_view text);
  absl::Status Declare(bool error, std::string text);
  absl::Status WriteBuffer();
  absl::Status OpenSegment(uint64_t first_sequence);
  absl::Status Rotate();
  // Removes the oldest segments beyond the budget; the sentence that declares it, or nothing.
  std::string RemoveOldSegments();
  // Before each use: opens again what failed. UNAVAILABLE while it is too early for that.
  absl::Status EnsureOpen();
  absl::Status Fail(absl::Status status);

  base::Disk& disk_;
  const base::Clock& clock_;
  const WriterOptions options_;
  const uint64_t segment_bytes_max_;

  std::deque<Closed> closed_;
  SegmentFile segment_;
  std::unique_ptr<base::AppendFile> file_;  // null after a failure
  SegmentEncoder encoder_{0, 0, 0};
  std::string buffer_;  // encoded, not written
  std::array<std::string, 3> unfinished_;
  absl::Duration last_monotonic_;

  absl::Status failure_;
  absl::Duration failed_at_;
  uint64_t lost_sequence_ = 0;  // the last one given out when it failed
  uint64_t lost_lines_ = 0;     // refused since
};

absl::StatusOr<uint64_t> SegmentWriter::Recover() {
  RETURN_IF_ERROR(disk_.MakeDirectories(options_.directory, 0700));
  ASSIGN_OR_RETURN(std::vector<SegmentFile> segments, ListSegments(disk_, options_.directory));
  closed_.clear();
  buffer_.clear();
  for (const SegmentFile& segment : segments) {
    ASSIGN_OR_RETURN(base::FileInfo info, disk_.Stat(segment.path));
    closed_.push_back({segment, info.size_bytes});
  }
  encoder_ = SegmentEncoder(0, 0, 0);
  if (closed_.empty()) {
    RETURN_IF_ERROR(OpenSegment(1));
    return 0;
  }

  Closed last = std::move(closed_.back());
  closed_.pop_back();
  ASSIGN_OR_RETURN(SegmentEnd end, FindEnd(disk_, last.file, last.size_bytes));
  if (end.last_us == 0 && !closed_.empty()) {
    ASSIGN_OR_RETURN(SegmentEnd before,
                     FindEnd(disk_, closed_.back().file, closed_.back().size_bytes));
    end.last_us = before.last_us;
  }
  if (end.size_bytes < last.size_bytes) {
    RETURN_IF_ERROR(disk_.Truncate(last.file.path, end.size_bytes));
  }
  segment_ = last.file;
  encoder_ = SegmentEncoder(end.size_bytes, end.last_sequence, end.last_us);
  ASSIGN_OR_RETURN(file_, disk_.OpenAppend(segment_.path, options_.mode));
  if (end.size_bytes < last.size_bytes) {
    RETURN_IF_ERROR(Declare(true, absl::StrCat("The log was interrupted here: the last ",
                                               last.size_bytes - end.size_bytes,
                                               " bytes of its file were incomplete and were cut "
                                               "off.")));
  }
  return end.last_sequence;
}

int64_t SegmentWriter::NowMicros() {
  int64_t wall_us = absl::ToUnixMicros(clock_.Now());
  absl::Duration monotonic = clock_.Monotonic();
  int64_t passed_us = absl::ToInt64Microseconds(monotonic - last_monotonic_);
  last_monotonic_ = monotonic;
  if (wall_us >= encoder_.last_us()) return wall_us;
  return encoder_.last_us() + passed_us;
}

absl::Status SegmentWriter::Add(Stream stream, bool error, bool continued, int64_t now_us,
                                absl::string_view text) {
  uint64_t headers = text.size() / kBlockBytes + 2;
  uint64_t size_bytes =
      encoder_.position() + kRecordHeaderBytes + text.size() + headers * kBlockHeaderBytes;
  if (size_bytes > segment_bytes_max_ && encoder_.position() > 0) RETURN_IF_ERROR(Rotate());
  encoder_.Append(stream, error, continued, std::max(now_us, encoder_.last_us()), text, buffer_);
  return buffer_.size() >= kBufferBytes ? WriteBuffer() : absl::OkStatus();
}

absl::StatusOr<size_t> SegmentWriter::AddPieces(Stream stream, bool error, bool complete,
                                                int64_t now_us, absl::string_view text) {
  while (text.size() > kLogLineBytesMax) {
    size_t length = PieceLength(text);
    RETURN_IF_ERROR(Add(stream, error, true, now_us, text.substr(0, length)));
    text.remove_prefix(length);
  }
  if (!complete) return text.size();
  RETURN_IF_ERROR(Add(stream, error, false, now_us, text));
  return 0;
}

absl::Status SegmentWriter::AppendBytes(Stream stream, absl::string_view bytes) {
  absl::Status status = EnsureOpen();
  if (status.ok()) status = SplitLines(stream, NowMicros(), bytes);
  if (!status.ok())
    lost_lines_ += static_cast<uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  return status;
}

absl::Status SegmentWriter::SplitLines(Stream stream, int64_t now_us, absl::string_view& bytes) {
  std::string& unfinished = unfinished_[static_cast<size_t>(stream)];
  while (!bytes.empty()) {
    const void* newline = std::memchr(bytes.data(), '\n', bytes.size());
    bool complete = newline != nullptr;
    size_t length = complete ? static_cast<size_t>(static_cast<const char*>(newline) - bytes.data())
                             : bytes.size();
    absl::string_view text = bytes.substr(0, length);
    bytes.remove_prefix(complete ? length + 1 : length);
    if (unfinished.empty() && complete) {
      RETURN_IF_ERROR(AddPieces(stream, false, true, now_us, text).status());
      continue;
    }
    unfinished.append(text.data(), text.size());
    if (!complete && unfinished.size() <= kLogLineBytesMax) continue;
    ASSIGN_OR_RETURN(size_t left, AddPieces(stream, false, complete, now_us, unfinished));
    unfinished.erase(0, unfinished.size() - left);
  }
  return absl::OkStatus();
}

absl::Status SegmentWriter::FinishLine(Stream stream) {
  std::string text = std::exchange(unfinished_[static_cast<size_t>(stream)], "");
  return text.empty() ? absl::OkStatus() : AppendLine(stream, text, false);
}

absl::Status SegmentWriter::AppendLine(Stream stream, absl::string_view text, bool error) {
  absl::Status open = EnsureOpen();
  if (!open.ok()) {
    ++lost_lines_;
    return open;
  }
  return AddPieces(stream, error, true, NowMicros(), text).status();
}

absl::Status SegmentWriter::Declare(bool error, std::string text) {
  return Add(Stream::kService, error, false, NowMicros(), text);
}

absl::Status SegmentWriter::WriteBuffer() {
  if (buffer_.empty()) return absl::OkStatus();
  absl::Status written = file_->Append(buffer_);
  buffer_.clear();
  return written.ok() ? written : Fail(std::move(written));
}

absl::Status SegmentWriter::OpenSegment(uint64_t first_sequence) {
  segment_ = {first_sequence, absl::StrCat(options_.directory, "/", SegmentName(first_sequence))};
  encoder_ = SegmentEncoder(0, first_sequence - 1, encoder_.last_us());
  ASSIGN_OR_RETURN(file_, disk_.OpenAppend(segment_.path, options_.mode));
  return absl::OkStatus();
}

absl::Status SegmentWriter::Rotate() {
  RETURN_IF_ERROR(Sync());  // so that only the last segment can be torn
  closed_.push_back({segment_, encoder_.position()});
  std::string removal = RemoveOldSegments();
  absl::Status opened = OpenSegment(encoder_.last_sequence() + 1);
  if (!opened.ok()) return Fail(std::move(opened));
  return removal.empty() ? absl::OkStatus() : Declare(false, std::move(removal));
}

std::string SegmentWriter::RemoveOldSegments() {
  uint64_t total_bytes = segment_bytes_max_;  // what the next segment may come to
  for (const Closed& closed : closed_) total_bytes += closed.size_bytes;
  uint64_t removed_bytes = 0;
  absl::string_view reason;
  while (!closed_.empty()) {
    const Closed& oldest = closed_.front();
    if (total_bytes > options_.bytes_max) {
      reason = "it reached its size limit";
    } else {
      absl::StatusOr<base::FileInfo> info = disk_.Stat(oldest.file.path);
      bool old = info.ok() && info->modified < clock_.Now() - options_.age_max;
      if (!old) break;
      reason = "they reached their age limit";
    }
    absl::Status removed = disk_.Remove(oldest.file.path);
    if (!removed.ok()) {
      base::Log(base::Severity::kWarning, removed.ToString());
      break;  // the next segment tries again
    }
    total_bytes -= oldest.size_bytes;
    removed_bytes += oldest.size_bytes;
    closed_.pop_front();
  }
  if (removed_bytes == 0) return "";
  uint64_t first =
      closed_.empty() ? encoder_.last_sequence() + 1 : closed_.front().file.first_sequence;
  return absl::StrCat("The oldest ", removed_bytes, " bytes of this log, up to line ", first - 1,
                      ", were removed because ", reason, ".");
}

absl::Status SegmentWriter::Flush() {
  RETURN_IF_ERROR(EnsureOpen());
  return WriteBuffer();
}

absl::Status SegmentWriter::Sync() {
  RETURN_IF_ERROR(Flush());
  absl::Status synced = file_->Sync();
  return synced.ok() ? synced : Fail(std::move(synced));
}

absl::Status SegmentWriter::Fail(absl::Status status) {
  file_.reset();
  lost_sequence_ = encoder_.last_sequence();
  failure_ = status;
  failed_at_ = clock_.Monotonic();
  return status;
}

absl::Status SegmentWriter::EnsureOpen() {
  if (file_ != nullptr) return absl::OkStatus();
  if (clock_.Monotonic() - failed_at_ < kRetryAfter) return failure_;
  absl::StatusOr<uint64_t> written = Recover();
  if (!written.ok()) {
    file_.reset();
    failed_at_ = clock_.Monotonic();
    failure_ = written.status();
    return failure_;
  }
  lost_lines_ += lost_sequence_ > *written ? lost_sequence_ - *written : 0;
  RETURN_IF_ERROR(Declare(
      true, absl::StrCat(lost_lines_,
                         " lines were lost here, because writing failed: ", failure_.message())));
  absl::Status declared = WriteBuffer();
  lost_sequence_ = 0;  // the declaration is no line
  if (declared.ok()) lost_lines_ = 0;
  return declared;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Writer>> Writer::Open(base::Disk& disk, const base::Clock& clock,
                                                     WriterOptions options) {
  auto writer = std::make_unique<SegmentWriter>(disk, clock, std::move(options));
  RETURN_IF_ERROR(writer->Recover().status());
  return std::unique_ptr<Writer>(std::move(writer));
}

}  // namespace trainyard::logs
