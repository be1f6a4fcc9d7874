#include "logs/segment.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace trainyard::logs {
namespace {

RangeReader ReadString(const std::string& bytes) {
  return [bytes](uint64_t offset, uint64_t length) -> absl::StatusOr<std::string> {
    if (offset >= bytes.size()) return std::string();
    return bytes.substr(offset, length);
  };
}

TEST(Segment, RecordsOfEveryLengthRoundTripAcrossBlocks) {
  const size_t kLengths[] = {0,
                             1,
                             15,
                             16,
                             kBlockBytes - 200,
                             100,
                             200,
                             kBlockBytes,
                             kBlockBytes * 3 + 17,
                             base::limits::kLogLineBytesMax,
                             5};
  std::string bytes;
  SegmentEncoder encoder(0, 41, 0);
  std::vector<std::string> texts;
  for (int round = 0; round < 40; ++round) {
    for (size_t length : kLengths) {
      texts.emplace_back(length + static_cast<size_t>(round % 2) * (length % 7), 'a' + round % 26);
      if (texts.back().size() > base::limits::kLogLineBytesMax) texts.back().resize(length);
      int64_t time_us = static_cast<int64_t>(texts.size()) * 10;
      encoder.Append(Stream::kStderr, round % 3 == 0, round % 5 == 0, time_us, texts.back(), bytes);
      ASSERT_EQ(encoder.position(), bytes.size());
    }
  }
  SegmentDecoder decoder(ReadString(bytes), bytes.size(), 42);
  for (uint64_t index = 0; index < decoder.block_count(); ++index) {
    absl::StatusOr<std::optional<Block>> block = decoder.FindBlock(0, index);
    ASSERT_TRUE(block.ok() && block->has_value());
    decoder.Seek(**block);
    Line line;
    absl::StatusOr<RecordKind> kind = decoder.Next(line);
    ASSERT_TRUE(kind.ok());
    if (*kind != RecordKind::kLine) continue;
    EXPECT_EQ(line.sequence, (*block)->header.first_sequence);
    EXPECT_GE(absl::ToUnixMicros(line.time), (*block)->header.floor_us);
    EXPECT_EQ(line.text, texts[line.sequence - 42]);
  }
  decoder.Seek(**decoder.FindBlock(0, 0));
  for (size_t i = 0; i < texts.size(); ++i) {
    Line line;
    ASSERT_EQ(*decoder.Next(line), RecordKind::kLine);
    EXPECT_EQ(line.sequence, 42 + i);
    EXPECT_EQ(line.text, texts[i]);
    EXPECT_EQ(line.stream, Stream::kStderr);
    EXPECT_EQ(absl::ToUnixMicros(line.time), static_cast<int64_t>(i + 1) * 10);
  }
  Line line;
  EXPECT_EQ(*decoder.Next(line), RecordKind::kEnd);
}

TEST(Segment, AHeaderIsSoundOrNone) {
  std::string bytes = EncodeBlockHeader({7, 123, 4000});
  ASSERT_EQ(bytes.size(), kBlockHeaderBytes);
  std::optional<BlockHeader> header = DecodeBlockHeader(bytes);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->first_sequence, 7u);
  EXPECT_EQ(header->floor_us, 123);
  EXPECT_EQ(header->first_record, 4000u);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_FALSE(DecodeBlockHeader(damaged).has_value()) << i;
    EXPECT_FALSE(DecodeBlockHeader(bytes.substr(0, i)).has_value()) << i;
  }
  EXPECT_FALSE(DecodeBlockHeader(std::string(kBlockHeaderBytes, '\0')).has_value());
  EXPECT_FALSE(DecodeBlockHeader(EncodeBlockHeader({7, 123, kBlockBytes + 1})).has_value());
}

TEST(Segment, ARecordInAnotherPlaceIsNoRecord) {
  std::string bytes;
  SegmentEncoder encoder(0, 0, 0);
  encoder.Append(Stream::kStdout, false, false, 1, "first", bytes);
  SegmentDecoder decoder(ReadString(bytes), bytes.size(), 2);  // it was written as number 1
  decoder.Seek(**decoder.FindBlock(0, 0));
  Line line;
  EXPECT_EQ(*decoder.Next(line), RecordKind::kDamaged);
}

TEST(Segment, Names) {
  EXPECT_EQ(SegmentName(42), "000000000000002a.log");
  EXPECT_EQ(ParseSegmentName("000000000000002a.log"), 42u);
  for (const char* name :
       {"", "2a.log", "000000000000002A.log", "000000000000002g.log", "000000000000002a.lo",
        "000000000000002a.logx", "+00000000000002a.log"}) {
    EXPECT_FALSE(ParseSegmentName(name).has_value()) << name;
  }
  for (const char* name : {"workerpool0-0", "service", "a.b_c", "1"}) {
    EXPECT_TRUE(IsSafeName(name)) << name;
  }
  for (const char* name : {"", ".", "..", ".hidden", "a/b", "a b", "a\n", "\xc3\xa4"}) {
    EXPECT_FALSE(IsSafeName(name)) << name;
  }
}

}  // namespace
}  // namespace trainyard::logs
