#include "logs/segment.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/status.h"

namespace trainyard::logs {
namespace {

constexpr uint32_t kLengthMask = 0xffffff;
constexpr uint32_t kStreamMask = 3;
constexpr uint32_t kErrorFlag = 1 << 2;
constexpr uint32_t kContinuedFlag = 1 << 3;
constexpr uint32_t kRecordFlag = 1 << 7;
constexpr uint64_t kReadBytes = 2 * kBlockBytes;

template <typename T>
void Put(char* bytes, T value) {
  std::memcpy(bytes, &value, sizeof(value));
}

template <typename T>
T Get(absl::string_view bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

uint32_t RecordChecksum(uint64_t sequence, absl::string_view header_rest, absl::string_view text) {
  std::array<char, 20> head;
  Put(head.data(), sequence);
  std::memcpy(head.data() + 8, header_rest.data(), 12);
  return base::ExtendCrc32c(base::Crc32c(absl::string_view(head.data(), head.size())), text);
}

}  // namespace

std::string EncodeBlockHeader(const BlockHeader& header) {
  std::string bytes(kBlockHeaderBytes, '\0');
  Put(&bytes[4], kBlockMagic);
  Put(&bytes[8], header.first_sequence);
  Put(&bytes[16], header.floor_us);
  Put(&bytes[24], static_cast<uint32_t>(header.first_record));
  Put(&bytes[0], base::Crc32c(absl::string_view(bytes).substr(4)));
  return bytes;
}

std::optional<BlockHeader> DecodeBlockHeader(absl::string_view bytes) {
  if (bytes.size() < kBlockHeaderBytes) return std::nullopt;
  bytes = bytes.substr(0, kBlockHeaderBytes);
  if (Get<uint32_t>(bytes, 0) != base::Crc32c(bytes.substr(4))) return std::nullopt;
  BlockHeader header{.first_sequence = Get<uint64_t>(bytes, 8),
                     .floor_us = Get<int64_t>(bytes, 16),
                     .first_record = Get<uint32_t>(bytes, 24)};
  bool sound = Get<uint32_t>(bytes, 4) == kBlockMagic && header.first_sequence > 0 &&
               header.first_record >= kBlockHeaderBytes && header.first_record <= kBlockBytes;
  if (!sound) return std::nullopt;
  return header;
}

uint64_t SegmentEncoder::Append(Stream stream, bool error, bool continued, int64_t time_us,
                                absl::string_view text, std::string& output) {
  CHECK(text.size() <= base::limits::kLogLineBytesMax && time_us >= time_us_);
  ++sequence_;
  std::array<char, kRecordHeaderBytes> head;
  uint32_t flags = kRecordFlag | static_cast<uint32_t>(stream) | (error ? kErrorFlag : 0) |
                   (continued ? kContinuedFlag : 0);
  Put(&head[4], static_cast<uint32_t>(text.size()) | flags << 24);
  Put(&head[8], time_us);
  absl::string_view header(head.data(), head.size());
  Put(&head[0], RecordChecksum(sequence_, header.substr(4), text));
  uint64_t in_block = position_ % kBlockBytes;
  if (in_block != 0 && in_block + header.size() + text.size() <= kBlockBytes) {
    output.append(header.data(), header.size());
    output.append(text.data(), text.size());
    position_ += header.size() + text.size();
  } else {
    if (in_block == 0) {
      output += EncodeBlockHeader({sequence_, time_us_, kBlockHeaderBytes});
      position_ += kBlockHeaderBytes;
    }
    time_us_ = time_us;  // what headers within this record say
    AppendBytes(header, text.size(), output);
    AppendBytes(text, 0, output);
  }
  time_us_ = time_us;
  return sequence_;
}

void SegmentEncoder::AppendBytes(absl::string_view bytes, uint64_t bytes_after,
                                 std::string& output) {
  while (!bytes.empty()) {
    if (position_ % kBlockBytes == 0) {
      uint64_t first = kBlockHeaderBytes + bytes.size() + bytes_after;
      output += EncodeBlockHeader({sequence_ + 1, time_us_, std::min(first, kBlockBytes)});
      position_ += kBlockHeaderBytes;
    }
    uint64_t room = kBlockBytes - position_ % kBlockBytes;
    absl::string_view piece = bytes.substr(0, room);
    output.append(piece.data(), piece.size());
    position_ += piece.size();
    bytes.remove_prefix(piece.size());
  }
}

absl::StatusOr<std::optional<BlockHeader>> SegmentDecoder::ReadHeader(uint64_t block) {
  if (block == 0) {
    ASSIGN_OR_RETURN(std::string bytes, read_(0, kBlockHeaderBytes));
    std::optional<BlockHeader> header = DecodeBlockHeader(bytes);
    return BlockHeader{.first_sequence = first_sequence_,
                       .floor_us = header.has_value() ? header->floor_us : 0,
                       .first_record = kBlockHeaderBytes};
  }
  uint64_t start = block * kBlockBytes;
  if (start + kBlockHeaderBytes > size_bytes_) return std::nullopt;
  ASSIGN_OR_RETURN(std::string bytes, read_(start, kBlockHeaderBytes));
  return DecodeBlockHeader(bytes);
}

absl::StatusOr<std::optional<Block>> SegmentDecoder::FindBlock(uint64_t low, uint64_t high) {
  for (uint64_t index = high;; --index) {
    ASSIGN_OR_RETURN(std::optional<BlockHeader> header, ReadHeader(index));
    bool serves = header.has_value() && header->first_record < kBlockBytes &&
                  (index == 0 || index * kBlockBytes + header->first_record <= size_bytes_);
    if (serves) return Block{index, *header};
    if (index <= low) return std::nullopt;
  }
}

absl::StatusOr<Block> SegmentDecoder::Bisect(
    const std::function<bool(const BlockHeader&)>& before) {
  ASSIGN_OR_RETURN(std::optional<Block> best, FindBlock(0, 0));
  uint64_t low = 0;  // `best` is the last that serves up to here
  uint64_t high = block_count();
  uint64_t middle = high == 0 ? 0 : high - 1;  // a follower finds its place in the last block
  while (low + 1 < high) {
    ASSIGN_OR_RETURN(std::optional<Block> block, FindBlock(low + 1, middle));
    if (!block.has_value() || before(block->header)) {
      if (block.has_value()) best = block;
      low = middle;
    } else {
      high = block->index;
    }
    middle = low + (high - low) / 2;
  }
  return *best;
}

void SegmentDecoder::Seek(const Block& block) {
  CHECK(block.header.first_record < kBlockBytes);
  position_ = block.index * kBlockBytes + block.header.first_record;
  sequence_ = block.header.first_sequence;
}

absl::StatusOr<absl::string_view> SegmentDecoder::Window(uint64_t position) {
  if (position >= size_bytes_) return absl::string_view();
  if (position < buffer_start_ || position >= buffer_start_ + buffer_.size()) {
    buffer_start_ = position - position % kBlockBytes;
    uint64_t length = std::min(kReadBytes, size_bytes_ - buffer_start_);
    ASSIGN_OR_RETURN(buffer_, read_(buffer_start_, length));
    // Shorter than it was: a writer cut it meanwhile.
    if (position >= buffer_start_ + buffer_.size()) return absl::string_view();
  }
  absl::string_view window = absl::string_view(buffer_).substr(position - buffer_start_);
  return window.substr(0, kBlockBytes - position % kBlockBytes);
}

absl::StatusOr<std::string> SegmentDecoder::ReadStream(uint64_t& position, uint64_t length) {
  std::string bytes;
  while (bytes.size() < length) {
    if (position % kBlockBytes == 0) position += kBlockHeaderBytes;
    ASSIGN_OR_RETURN(absl::string_view window, Window(position));
    if (window.empty()) break;
    window = window.substr(0, length - bytes.size());
    bytes.append(window.data(), window.size());
    position += window.size();
  }
  return bytes;
}

absl::StatusOr<RecordKind> SegmentDecoder::ReadRecord(uint64_t& position, uint64_t sequence,
                                                      Line& line) {
  // A block's header alone at the end is an end as well.
  uint64_t start = position % kBlockBytes == 0 ? position + kBlockHeaderBytes : position;
  if (position == size_bytes_ || start == size_bytes_) return RecordKind::kEnd;
  uint64_t here = position;
  ASSIGN_OR_RETURN(std::string head, ReadStream(here, kRecordHeaderBytes));
  if (head.size() < kRecordHeaderBytes) return RecordKind::kTorn;
  uint32_t word = Get<uint32_t>(head, 4);
  uint32_t flags = word >> 24;
  uint64_t length = word & kLengthMask;
  bool sound = (flags & kRecordFlag) != 0 && length <= base::limits::kLogLineBytesMax;
  if (!sound) return RecordKind::kDamaged;
  ASSIGN_OR_RETURN(std::string text, ReadStream(here, length));
  if (text.size() < length) return RecordKind::kTorn;
  uint32_t checksum = RecordChecksum(sequence, absl::string_view(head).substr(4), text);
  if (checksum != Get<uint32_t>(head, 0)) return RecordKind::kDamaged;
  line.sequence = sequence;
  line.time = absl::FromUnixMicros(Get<int64_t>(head, 8));
  line.stream = static_cast<Stream>(std::min<uint32_t>(flags & kStreamMask, 2));
  line.error = (flags & kErrorFlag) != 0;
  line.continued = (flags & kContinuedFlag) != 0;
  line.text = std::move(text);
  position = here;
  return RecordKind::kLine;
}

absl::StatusOr<RecordKind> SegmentDecoder::Next(Line& line) {
  ASSIGN_OR_RETURN(RecordKind kind, ReadRecord(position_, sequence_, line));
  if (kind == RecordKind::kLine) ++sequence_;
  return kind;
}

absl::StatusOr<bool> SegmentDecoder::SkipOne() {
  uint64_t here = position_;
  ASSIGN_OR_RETURN(std::string head, ReadStream(here, kRecordHeaderBytes));
  if (head.size() < kRecordHeaderBytes) return false;
  uint64_t length = Get<uint32_t>(head, 4) & kLengthMask;
  if (length > base::limits::kLogLineBytesMax) return false;
  ASSIGN_OR_RETURN(std::string text, ReadStream(here, length));
  if (text.size() < length) return false;
  Line line;
  uint64_t behind = here;
  ASSIGN_OR_RETURN(RecordKind kind, ReadRecord(behind, sequence_ + 1, line));
  if (kind != RecordKind::kLine && !(kind == RecordKind::kEnd && here == size_bytes_)) return false;
  position_ = here;
  ++sequence_;
  return true;
}

RangeReader ReadFrom(base::Disk& disk, std::string path) {
  return [&disk, path = std::move(path)](uint64_t offset, uint64_t length) {
    return disk.ReadRange(path, offset, length);
  };
}

std::string SegmentName(uint64_t first_sequence) {
  return absl::StrCat(absl::Hex(first_sequence, absl::kZeroPad16), ".log");
}

std::optional<uint64_t> ParseSegmentName(absl::string_view name) {
  uint64_t first_sequence = 0;
  bool sound = name.size() == 20 && absl::EndsWith(name, ".log") &&
               absl::SimpleHexAtoi(name.substr(0, 16), &first_sequence) &&
               name == SegmentName(first_sequence);
  if (!sound) return std::nullopt;
  return first_sequence;
}

bool IsSafeName(absl::string_view name) {
  if (name.empty() || name.size() > 255 || name[0] == '.') return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
  });
}

}  // namespace trainyard::logs
