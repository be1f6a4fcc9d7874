// The segment file: bytes that survive a crash and say what did not.
//
// A segment is a stream of records, cut into blocks of kBlockBytes. Integers are little-endian.
//
// Each block begins with a header, which records pass over:
//    0  u32  CRC-32C of bytes 4 to 31
//    4  u32  kBlockMagic
//    8  u64  first sequence: of the first record that starts in this block or after it
//   16  i64  floor, microseconds: no record that starts here or after is earlier, none before later
//   24  u32  first record: its offset in the block; kBlockBytes when none starts in it
//   28  u32  zero
// so that a reader finds a sequence or a time by bisection over headers, and its place again after
// damage.
//
// A record:
//    0  u32  CRC-32C of its sequence (u64), of bytes 4 to 15, and of the text
//    4  u32  length of the text, 24 bits; above them the flags: bits 0-1 stream, 2 error,
//            3 continued, 7 always set (so that zeros are no record)
//    8  i64  time, microseconds; never earlier than the record before
//   16       text
// The sequence is not stored: it counts from the block's first one, and a record out of its place
// fails its checksum.
//
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "logs/logs.h"

namespace trainyard::logs {

inline constexpr uint64_t kBlockBytes = 32 << 10;
inline constexpr uint32_t kBlockMagic = 0x31594c54;  // "TLY1"
inline constexpr uint64_t kBlockHeaderBytes = 32;
inline constexpr uint64_t kRecordHeaderBytes = 16;

struct BlockHeader {
  uint64_t first_sequence = 0;
  int64_t floor_us = 0;
  uint64_t first_record = 0;  // offset in the block
};

std::string EncodeBlockHeader(const BlockHeader& header);
// nullopt when it is short or damaged.
std::optional<BlockHeader> DecodeBlockHeader(absl::string_view bytes);

// Makes the bytes that continue a segment. Threads: one.
class SegmentEncoder {
 public:
  // Continues at `size_bytes`; the record before had `last_sequence` and `last_us`.
  SegmentEncoder(uint64_t size_bytes, uint64_t last_sequence, int64_t last_us)
      : position_(size_bytes), sequence_(last_sequence), time_us_(last_us) {}

  // Adds a record to `output` and returns its sequence. REQUIRES: `time_us` is not before the last
  // one; `text` is at most kLogLineBytesMax long.
  uint64_t Append(Stream stream, bool error, bool continued, int64_t time_us,
                  absl::string_view text, std::string& output);

  uint64_t position() const { return position_; }  // size of the segment with all that was encoded
  uint64_t last_sequence() const { return sequence_; }
  int64_t last_us() const { return time_us_; }

 private:
  // Adds bytes of one record, with the headers of the blocks that they reach into.
  void AppendBytes(absl::string_view bytes, uint64_t bytes_after, std::string& output);

  uint64_t position_;
  uint64_t sequence_;
  int64_t time_us_;
};

// At most `length` bytes of the segment from `offset`; fewer at its end.
using RangeReader = std::function<absl::StatusOr<std::string>(uint64_t offset, uint64_t length)>;

// What stands at a place of a segment.
enum class RecordKind {
  kLine,
  kEnd,      // nothing more was written
  kTorn,     // the end cut a record short
  kDamaged,  // no record: its checksum is wrong
};

struct Block {
  uint64_t index = 0;
  BlockHeader header;
};

// Reads the records of a segment of `size_bytes` as it is, damage and all. Threads: one.
class SegmentDecoder {
 public:
  // `first_sequence` is the segment's, by its name.
  SegmentDecoder(RangeReader read, uint64_t size_bytes, uint64_t first_sequence)
      : read_(std::move(read)), size_bytes_(size_bytes), first_sequence_(first_sequence) {}

  uint64_t block_count() const { return (size_bytes_ + kBlockBytes - 1) / kBlockBytes; }
  // The last block in [low, high] with a sound header and a record that starts in it; nullopt when
  // there is none. Block 0 always serves: its header follows from the segment's name.
  absl::StatusOr<std::optional<Block>> FindBlock(uint64_t low, uint64_t high);
  // The last block that serves and satisfies `before`, which holds for all blocks up to some block
  // and for none behind; block 0 when none does.
  absl::StatusOr<Block> Bisect(const std::function<bool(const BlockHeader&)>& before);
  void Seek(const Block& block);
  // Reads the record here; the place moves on behind a line and stays otherwise.
  absl::StatusOr<RecordKind> Next(Line& line);
  // Passes over a damaged record when the one behind it is whole: true, and the place is there.
  absl::StatusOr<bool> SkipOne();

  // Where the next record starts or would start; maybe at a block's header, which precedes it.
  uint64_t position() const { return position_; }
  uint64_t next_sequence() const { return sequence_; }
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  // The error is the disk's; a damaged header is nullopt.
  absl::StatusOr<std::optional<BlockHeader>> ReadHeader(uint64_t block);
  // `length` bytes of the stream from `position`, which moves behind them. Fewer at the end.
  absl::StatusOr<std::string> ReadStream(uint64_t& position, uint64_t length);
  // Bytes of the file up to the end of the block or of what is buffered; at least one unless at the
  // end.
  absl::StatusOr<absl::string_view> Window(uint64_t position);
  absl::StatusOr<RecordKind> ReadRecord(uint64_t& position, uint64_t sequence, Line& line);

  RangeReader read_;
  uint64_t size_bytes_;
  uint64_t first_sequence_;
  uint64_t position_ = 0;
  uint64_t sequence_ = 0;
  std::string buffer_;
  uint64_t buffer_start_ = 0;
};

RangeReader ReadFrom(base::Disk& disk, std::string path);

// "000000000000002a.log" and back; nullopt for another name.
std::string SegmentName(uint64_t first_sequence);
std::optional<uint64_t> ParseSegmentName(absl::string_view name);

// A job's or a task's name that is safe as a directory: [A-Za-z0-9._-]+, not starting with a dot.
bool IsSafeName(absl::string_view name);

}  // namespace trainyard::logs
