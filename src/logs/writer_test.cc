#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/fake_disk.h"
#include "base/limits.h"
#include "logs/logs.h"
#include "logs/task_log.h"

namespace trainyard::logs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr size_t kLineMax = base::limits::kLogLineBytesMax;

class WriterTest : public ::testing::Test {
 protected:
  std::unique_ptr<Writer> Open(uint64_t bytes_max = 64 << 20,
                               absl::Duration age_max = absl::InfiniteDuration()) {
    absl::StatusOr<std::unique_ptr<Writer>> writer =
        Writer::Open(disk_, clock_, {"/logs/1/task", bytes_max, age_max, 0600});
    EXPECT_TRUE(writer.ok()) << writer.status();
    return writer.ok() ? *std::move(writer) : nullptr;
  }
  std::vector<Line> ReadAll() {
    Cursor cursor;
    std::vector<Line> lines;
    while (true) {
      auto page = Reader(disk_, "/logs").Read("1", cursor, {});
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok() || page->empty()) return lines;
      for (TaskLine& line : *page) lines.push_back(std::move(line.line));
    }
  }
  std::vector<std::string> Texts() {
    std::vector<std::string> texts;
    for (const Line& line : ReadAll()) texts.push_back(line.text);
    return texts;
  }
  std::vector<SegmentFile> Segments() { return *ListSegments(disk_, "/logs/1/task"); }

  base::FakeClock clock_;
  base::FakeDisk disk_{clock_};
};

TEST_F(WriterTest, SplitsAtNewlinesWhateverTheChunks) {
  auto writer = Open();
  for (absl::string_view chunk : {"one\ntw", "o\n", "\n", "three", " and", " more\nfour\nfi"}) {
    ASSERT_TRUE(writer->AppendBytes(Stream::kStdout, chunk).ok());
  }
  ASSERT_TRUE(writer->AppendBytes(Stream::kStderr, "a warning\n").ok());
  ASSERT_TRUE(writer->Flush().ok());
  EXPECT_THAT(Texts(), ElementsAre("one", "two", "", "three and more", "four", "a warning"));
  ASSERT_TRUE(writer->FinishLine(Stream::kStdout).ok());
  ASSERT_TRUE(writer->FinishLine(Stream::kStderr).ok());  // nothing there: no line
  ASSERT_TRUE(writer->Flush().ok());
  std::vector<Line> lines = ReadAll();
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_EQ(lines[6].text, "fi");
  EXPECT_EQ(lines[5].stream, Stream::kStderr);
  for (size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i].sequence, i + 1);
}

TEST_F(WriterTest, SplitsAndMarksLongLines) {
  struct Case {
    size_t length;
    std::vector<size_t> pieces;
  };
  const Case kCases[] = {{kLineMax, {kLineMax}},
                         {kLineMax + 1, {kLineMax, 1}},
                         {2 * kLineMax, {kLineMax, kLineMax}},
                         {2 * kLineMax + 3, {kLineMax, kLineMax, 3}}};
  for (size_t chunk : {size_t{1000}, kLineMax, size_t{10} << 20}) {
    for (const Case& test : kCases) {
      ASSERT_TRUE(disk_.RemoveTree("/logs").ok());
      auto writer = Open();
      std::string bytes = std::string(test.length, 'x') + "\nnext\n";
      for (size_t at = 0; at < bytes.size(); at += chunk) {
        ASSERT_TRUE(writer->AppendBytes(Stream::kStdout, bytes.substr(at, chunk)).ok());
      }
      ASSERT_TRUE(writer->Flush().ok());
      std::vector<Line> lines = ReadAll();
      ASSERT_EQ(lines.size(), test.pieces.size() + 1) << test.length << " by " << chunk;
      for (size_t i = 0; i < test.pieces.size(); ++i) {
        EXPECT_EQ(lines[i].text.size(), test.pieces[i]);
        EXPECT_EQ(lines[i].continued, i + 1 < test.pieces.size());
      }
      EXPECT_EQ(lines.back().text, "next");
    }
  }
}

TEST_F(WriterTest, NoCharacterIsCutInTwo) {
  auto writer = Open();
  std::string text = "x";
  while (text.size() < 2 * kLineMax) text += "\xe2\x82\xac";  // a euro sign: 3 bytes
  ASSERT_TRUE(writer->AppendBytes(Stream::kStdout, text + "\n").ok());
  ASSERT_TRUE(writer->AppendBytes(Stream::kStdout, std::string(kLineMax + 1, '\x80') + "\n").ok());
  ASSERT_TRUE(writer->Flush().ok());
  std::string whole;
  std::vector<Line> lines = ReadAll();
  ASSERT_EQ(lines.size(), 5u);
  for (const Line& line : {lines[0], lines[1], lines[2]}) {
    EXPECT_NE(line.text[0] & 0xc0, 0x80);
    whole += line.text;
  }
  EXPECT_EQ(whole, text);
  EXPECT_EQ(lines[3].text.size(), kLineMax);  // no text at all: cut where the limit is
}

TEST_F(WriterTest, GoesOnWhereAnEarlierWriterEnded) {
  for (int round = 0; round < 3; ++round) {
    auto writer = Open();
    ASSERT_TRUE(
        writer->AppendLine(Stream::kService, absl::StrCat("round ", round), round == 1).ok());
    ASSERT_TRUE(writer->Sync().ok());
    clock_.Advance(absl::Seconds(1));
  }
  std::vector<Line> lines = ReadAll();
  ASSERT_EQ(lines.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(lines[i].sequence, i + 1);
    EXPECT_EQ(lines[i].text, absl::StrCat("round ", i));
    EXPECT_EQ(lines[i].error, i == 1);
  }
  EXPECT_EQ(Segments().size(), 1u);
}

TEST_F(WriterTest, WhatWasSyncedSurvivesACrashAndTheRestIsDeclared) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    ASSERT_TRUE(disk_.RemoveTree("/logs").ok());
    base::SeededRandom random(seed);
    auto writer = Open(1 << 20);
    size_t synced = random.Below(2000);
    for (size_t i = 0; i < synced; ++i) {
      ASSERT_TRUE(writer->AppendLine(Stream::kStdout, absl::StrCat("line ", i), false).ok());
    }
    ASSERT_TRUE(writer->Sync().ok());
    size_t more = random.Below(2000);
    for (size_t i = 0; i < more; ++i) {
      std::string text = absl::StrCat("line ", synced + i);
      ASSERT_TRUE(writer->AppendLine(Stream::kStdout, text, false).ok());
    }
    ASSERT_TRUE(writer->Flush().ok());
    disk_.Crash(&random);
    writer = Open(1 << 20);
    ASSERT_NE(writer, nullptr);
    ASSERT_TRUE(writer->AppendLine(Stream::kStdout, "after", false).ok());
    ASSERT_TRUE(writer->Sync().ok());
    std::vector<Line> lines = ReadAll();
    ASSERT_GT(lines.size(), synced) << "seed " << seed;
    EXPECT_EQ(lines.back().text, "after");
    for (size_t i = 0; i + 1 < lines.size(); ++i) {
      if (lines[i].stream == Stream::kService) {
        EXPECT_EQ(i + 2, lines.size()) << "seed " << seed;
        EXPECT_THAT(lines[i].text, HasSubstr("were cut off"));
        EXPECT_GE(i, synced) << "seed " << seed;
      } else {
        EXPECT_EQ(lines[i].text, absl::StrCat("line ", i)) << "seed " << seed;
      }
    }
  }
}

TEST_F(WriterTest, TheOldestSegmentsGoAndThatIsSaid) {
  constexpr uint64_t kBudget = 1 << 20;
  auto writer = Open(kBudget);
  std::string text(1000, 'x');
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(writer->AppendLine(Stream::kStdout, text, false).ok());
    clock_.Advance(absl::Milliseconds(1));
  }
  ASSERT_TRUE(writer->Flush().ok());
  uint64_t total_bytes = 0;
  for (const SegmentFile& segment : Segments()) {
    total_bytes += disk_.Stat(segment.path)->size_bytes;
  }
  EXPECT_LE(total_bytes, kBudget);
  EXPECT_GT(total_bytes, kBudget / 2);
  std::vector<Line> lines = ReadAll();
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.front().sequence, Segments().front().first_sequence);
  uint64_t declared = 0;
  for (const Line& line : lines) {
    if (line.stream != Stream::kService) continue;
    EXPECT_THAT(line.text, HasSubstr("were removed because it reached its size limit"));
    EXPECT_FALSE(line.error);
    if (absl::StrContains(line.text,
                          absl::StrCat("up to line ", lines.front().sequence - 1, ","))) {
      ++declared;
    }
  }
  EXPECT_EQ(declared, 1u);
}

TEST_F(WriterTest, OldSegmentsGoByAge) {
  auto writer = Open(1 << 20, absl::Hours(24));
  std::string text(1000, 'x');
  auto fill = [&] {
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(writer->AppendLine(Stream::kStdout, text, false).ok());
    }
  };
  fill();
  size_t segments = Segments().size();
  ASSERT_GE(segments, 2u);
  clock_.Advance(absl::Hours(23));
  fill();
  EXPECT_GT(Segments().size(), segments);
  EXPECT_EQ(Segments().front().first_sequence, 1u);
  clock_.Advance(absl::Hours(23));
  fill();
  EXPECT_GT(Segments().front().first_sequence, 1u);
  ASSERT_TRUE(writer->Flush().ok());
  EXPECT_THAT(Texts(), testing::Contains(HasSubstr("they reached their age limit")));
}

TEST_F(WriterTest, TimesNeverGoBack) {
  auto writer = Open();
  auto append = [&] { ASSERT_TRUE(writer->AppendLine(Stream::kStdout, "x", false).ok()); };
  append();
  clock_.Advance(absl::Seconds(1));
  clock_.JumpWall(-absl::Hours(1));
  append();
  clock_.Advance(absl::Seconds(2));
  append();
  ASSERT_TRUE(writer->Flush().ok());
  writer = Open();
  append();
  clock_.JumpWall(absl::Hours(1));
  append();
  ASSERT_TRUE(writer->Flush().ok());
  std::vector<Line> lines = ReadAll();
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[1].time - lines[0].time, absl::Seconds(1));
  EXPECT_EQ(lines[2].time - lines[1].time, absl::Seconds(2));
  EXPECT_EQ(lines[3].time, lines[2].time);
  EXPECT_EQ(lines[4].time, clock_.Now());
}

TEST_F(WriterTest, AFullDiskLosesLinesAndSaysHowMany) {
  auto writer = Open();
  ASSERT_TRUE(writer->AppendLine(Stream::kStdout, "kept", false).ok());
  ASSERT_TRUE(writer->Flush().ok());
  disk_.SetCapacity(150);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(writer->AppendLine(Stream::kStdout, absl::StrCat("buffered ", i), false).ok());
  }
  EXPECT_TRUE(absl::IsResourceExhausted(writer->Flush()));
  EXPECT_TRUE(absl::IsResourceExhausted(writer->AppendBytes(Stream::kStdout, "a\nb\nc")));
  EXPECT_FALSE(writer->AppendLine(Stream::kStdout, "lost too", false).ok());
  disk_.SetCapacity(1 << 20);
  EXPECT_FALSE(writer->Flush().ok());  // not yet
  clock_.Advance(absl::Seconds(2));
  ASSERT_TRUE(writer->AppendLine(Stream::kStdout, "again", false).ok());
  ASSERT_TRUE(writer->Sync().ok());
  std::vector<std::string> texts = Texts();
  ASSERT_GE(texts.size(), 3u);
  size_t kept = 0;
  while (absl::StartsWith(texts[kept + 1], "buffered ")) ++kept;
  EXPECT_EQ(texts[0], "kept");
  EXPECT_THAT(texts[kept + 1], StartsWith("The log was interrupted here"));
  EXPECT_THAT(texts[kept + 2], StartsWith(absl::StrCat(13 - kept, " lines were lost here")));
  EXPECT_EQ(texts[kept + 3], "again");
  EXPECT_EQ(texts.size(), kept + 4);
}

TEST_F(WriterTest, FailuresOneAfterAnotherLoseNoCount) {
  auto writer = Open();
  ASSERT_TRUE(writer->Sync().ok());
  uint64_t lost = 0;
  for (int round = 0; round < 5; ++round) {
    disk_.SetFault([&](absl::string_view operation, const std::string&) {
      return operation == "append" ? absl::InternalError("no") : absl::OkStatus();
    });
    for (int i = 0; i < 3; ++i) {
      writer->AppendLine(Stream::kStdout, "x", false).IgnoreError();
      ++lost;
    }
    EXPECT_FALSE(writer->Flush().ok());
    clock_.Advance(absl::Seconds(2));
  }
  disk_.SetFault(nullptr);
  ASSERT_TRUE(writer->Flush().ok());
  std::vector<std::string> texts = Texts();
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_THAT(texts[0], StartsWith(absl::StrCat(lost, " lines were lost here")));
}

}  // namespace
}  // namespace trainyard::logs
