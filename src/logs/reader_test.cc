#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/fake_disk.h"
#include "base/random.h"
#include "logs/logs.h"
#include "logs/segment.h"
#include "logs/task_log.h"

namespace trainyard::logs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReaderTest : public ::testing::Test {
 protected:
  std::unique_ptr<Writer> Open(const std::string& task, uint64_t bytes_max = 512 << 10) {
    auto writer =
        Writer::Open(disk_, clock_, {.directory = "/logs/1/" + task, .bytes_max = bytes_max});
    EXPECT_TRUE(writer.ok()) << writer.status();
    return *std::move(writer);
  }
  std::vector<TaskLine> Read(Cursor& cursor, const ReadOptions& options = {}) {
    auto lines = reader_.Read("1", cursor, options);
    EXPECT_TRUE(lines.ok()) << lines.status();
    return lines.ok() ? *std::move(lines) : std::vector<TaskLine>();
  }
  std::vector<TaskLine> ReadAll(ReadOptions options = {}) {
    Cursor cursor;
    std::vector<TaskLine> all;
    while (true) {
      std::vector<TaskLine> page = Read(cursor, options);
      if (page.empty()) return all;
      all.insert(all.end(), page.begin(), page.end());
    }
  }

  base::FakeClock clock_;
  base::FakeDisk disk_{clock_};
  Reader reader_{disk_, "/logs"};
};

std::vector<std::string> Texts(const std::vector<TaskLine>& lines) {
  std::vector<std::string> texts;
  for (const TaskLine& line : lines) texts.push_back(line.line.text);
  return texts;
}

TEST_F(ReaderTest, NoLogIsNoLines) {
  Cursor cursor;
  EXPECT_THAT(Read(cursor), IsEmpty());
  EXPECT_THAT(*reader_.Read("../etc", cursor, {}), IsEmpty());
  EXPECT_THAT(*reader_.ListJobs(), IsEmpty());
  EXPECT_TRUE(reader_.RemoveJob("1").ok());
  EXPECT_TRUE(absl::IsInvalidArgument(reader_.RemoveJob("..")));
}

TEST_F(ReaderTest, MergesTasksByTimeThenTask) {
  auto zero = Open("workerpool0-0");
  auto one = Open("workerpool1-0");
  auto append = [](Writer& writer, const char* text) {
    ASSERT_TRUE(writer.AppendLine(Stream::kStdout, text, false).ok());
    ASSERT_TRUE(writer.Flush().ok());
  };
  append(*one, "a");
  clock_.Advance(absl::Seconds(1));
  append(*zero, "b");
  append(*zero, "c");
  append(*one, "d");
  clock_.Advance(absl::Seconds(1));
  append(*zero, "e");
  EXPECT_THAT(Texts(ReadAll()), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(Texts(ReadAll({.lines_max = 1})), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(Texts(ReadAll({.bytes_max = 1})), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(Texts(ReadAll({.task = "workerpool1-0"})), ElementsAre("a", "d"));
  EXPECT_THAT(Texts(ReadAll({.newest_first = true})), ElementsAre("e", "d", "c", "b", "a"));
  EXPECT_THAT(Texts(ReadAll({.lines_max = 2, .newest_first = true})),
              ElementsAre("e", "d", "c", "b", "a"));
  EXPECT_THAT(*reader_.ListJobs(), ElementsAre("1"));
  EXPECT_THAT(*reader_.ListTasks("1"), ElementsAre("workerpool0-0", "workerpool1-0"));
  ASSERT_TRUE(reader_.RemoveJob("1").ok());
  EXPECT_THAT(*reader_.ListJobs(), IsEmpty());
}

TEST_F(ReaderTest, APageBackIsNotMovedByNewLines) {
  auto writer = Open("t");
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(writer->AppendLine(Stream::kStdout, absl::StrCat(i), false).ok());
  }
  ASSERT_TRUE(writer->Flush().ok());
  Cursor cursor;
  EXPECT_THAT(Texts(Read(cursor, {.lines_max = 3, .newest_first = true})),
              ElementsAre("9", "8", "7"));
  ASSERT_TRUE(writer->AppendLine(Stream::kStdout, "10", false).ok());
  ASSERT_TRUE(writer->Flush().ok());
  auto late = Open("late");
  ASSERT_TRUE(late->AppendLine(Stream::kStdout, "late", false).ok());
  ASSERT_TRUE(late->Flush().ok());
  EXPECT_THAT(Texts(Read(cursor, {.lines_max = 3, .newest_first = true})),
              ElementsAre("6", "5", "4"));
}

TEST_F(ReaderTest, FollowsAcrossSegmentsWithACursorAsText) {
  auto writer = Open("t", 1 << 20);
  base::SeededRandom random(1);
  std::string cursor_text;
  uint64_t seen = 0;
  for (uint64_t i = 0; i < 3000;) {
    for (uint64_t n = random.Below(50); n > 0; --n, ++i) {
      std::string text = absl::StrCat(i, " ", std::string(random.Below(300), 'x'));
      ASSERT_TRUE(writer->AppendLine(Stream::kStdout, text, false).ok());
    }
    ASSERT_TRUE(writer->Flush().ok());
    absl::StatusOr<Cursor> cursor = Cursor::Parse(cursor_text);
    ASSERT_TRUE(cursor.ok());
    for (const TaskLine& line : Read(*cursor)) {
      ASSERT_EQ(line.line.sequence, ++seen);
      ASSERT_TRUE(absl::StartsWith(line.line.text, absl::StrCat(seen - 1, " ")));
    }
    EXPECT_EQ(seen, i);
    cursor_text = cursor->ToString();
  }
  EXPECT_GT(ListSegments(disk_, "/logs/1/t")->size(), 2u);
}

// A follower that is up to date reads no more than the last block or two, however long the log.
TEST_F(ReaderTest, AFollowerDoesNotReadWhatItHasSeen) {
  auto writer = Open("t", 1 << 30);
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(writer->AppendLine(Stream::kStdout, std::string(100, 'x'), false).ok());
  }
  ASSERT_TRUE(writer->Flush().ok());
  Cursor cursor{{{"t", 99'999}}};
  int reads = 0;
  disk_.SetFault([&](absl::string_view operation, const std::string&) {
    if (operation == "read") ++reads;
    return absl::OkStatus();
  });
  EXPECT_EQ(Read(cursor).size(), 1u);
  EXPECT_LE(reads, 4);
  reads = 0;
  Cursor middle{{{"t", 50'000}}};
  EXPECT_EQ(Read(middle, {.lines_max = 10})[0].line.sequence, 50'001u);
  EXPECT_LE(reads, 20);
}

TEST_F(ReaderTest, SinceAndUntilAgreeWithAScan) {
  auto writer = Open("t", 1 << 20);
  base::SeededRandom random(2);
  absl::Time start = clock_.Now();
  for (int i = 0; i < 4000; ++i) {
    std::string text(random.Below(200), 'x');
    ASSERT_TRUE(writer->AppendLine(Stream::kStdout, text, false).ok());
    if (random.Below(3) == 0) clock_.Advance(absl::Milliseconds(random.Below(1000)));
  }
  ASSERT_TRUE(writer->Flush().ok());
  std::vector<TaskLine> all = ReadAll();
  absl::Duration span = clock_.Now() - start;
  for (int i = 0; i < 300; ++i) {
    absl::Time a = i % 2 == 0 ? start + span * (static_cast<double>(random.Below(1000)) / 1000)
                              : all[random.Below(all.size())].line.time;
    absl::Time b = a + span * (static_cast<double>(random.Below(100)) / 1000);
    std::vector<uint64_t> expected;
    for (const TaskLine& line : all) {
      if (line.line.time >= a && line.line.time < b) expected.push_back(line.line.sequence);
    }
    for (bool newest_first : {false, true}) {
      std::vector<uint64_t> found;
      for (const TaskLine& line :
           ReadAll({.since = a, .until = b, .lines_max = 70, .newest_first = newest_first})) {
        found.push_back(line.line.sequence);
      }
      if (newest_first) std::reverse(found.begin(), found.end());
      ASSERT_EQ(found, expected) << "case " << i << (newest_first ? " back" : "");
    }
  }
}

TEST_F(ReaderTest, ACursorBeyondTheEndGoesBackToIt) {
  auto writer = Open("t");
  ASSERT_TRUE(writer->AppendLine(Stream::kStdout, "a", false).ok());
  ASSERT_TRUE(writer->Flush().ok());
  Cursor cursor{{{"t", 10}}};
  EXPECT_THAT(Read(cursor), IsEmpty());
  EXPECT_EQ(cursor.ToString(), "t:1");
  ASSERT_TRUE(writer->AppendLine(Stream::kStdout, "b", false).ok());
  ASSERT_TRUE(writer->Flush().ok());
  EXPECT_THAT(Texts(Read(cursor)), ElementsAre("b"));
}

TEST_F(ReaderTest, ARemovedSegmentIsPassedOver) {
  auto writer = Open("t");
  for (int i = 0; i < 3000; ++i) {
    ASSERT_TRUE(writer->AppendLine(Stream::kStdout, std::string(100, 'x'), false).ok());
  }
  ASSERT_TRUE(writer->Flush().ok());
  std::vector<SegmentFile> segments = *ListSegments(disk_, "/logs/1/t");
  ASSERT_GE(segments.size(), 3u);
  TaskLog log(disk_, segments);  // as it was listed before the removal
  ASSERT_TRUE(disk_.Remove(segments[0].path).ok());
  ASSERT_TRUE(log.SeekForward(0, absl::InfinitePast()).ok());
  Line line;
  ASSERT_TRUE(*log.Next(line));
  EXPECT_EQ(line.sequence, segments[1].first_sequence);
  ASSERT_TRUE(log.SeekBackward(segments[1].first_sequence + 1, absl::InfiniteFuture()).ok());
  ASSERT_TRUE(*log.Previous(line));
  EXPECT_EQ(line.sequence, segments[1].first_sequence);
  EXPECT_FALSE(*log.Previous(line));
}

TEST_F(ReaderTest, OldJobsGo) {
  auto writer = Open("t");
  ASSERT_TRUE(writer->AppendLine(Stream::kStdout, "a", false).ok());
  ASSERT_TRUE(writer->Sync().ok());
  absl::Time written = clock_.Now();
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(*reader_.RemoveOlderThan(written), IsEmpty());
  EXPECT_THAT(*reader_.RemoveOlderThan(clock_.Now()), ElementsAre("1"));
  EXPECT_THAT(*reader_.ListJobs(), IsEmpty());
}

TEST(Cursor, RoundTripsAndRefusesTheRest) {
  for (const char* text : {"", "a:1", "a:1,b:2", "workerpool0-0:18446744073709551615"}) {
    absl::StatusOr<Cursor> cursor = Cursor::Parse(text);
    ASSERT_TRUE(cursor.ok()) << text;
    EXPECT_EQ(cursor->ToString(), text);
  }
  for (const char* text : {"a", ":1", "a:", "a:-1", "a:x", "a:1,", "b:1,a:1", "a:1,a:1", "../a:1",
                           "a:18446744073709551616", "a:1:2"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Cursor::Parse(text).status())) << text;
  }
}

// --- damage: every truncation point and every flipped byte ---

class DamageTest : public ReaderTest {
 protected:
  static constexpr char kPath[] = "/logs/1/t/0000000000000001.log";

  void SetContents(const std::string& bytes) {
    ASSERT_TRUE(disk_.WriteAtomically(kPath, bytes, 0600).ok());
  }
  // A log whose lines have these lengths; its bytes.
  std::string Make(const std::vector<size_t>& lengths) {
    auto writer = Open("t", 8 << 20);
    char letter = 'a';
    for (size_t length : lengths) {
      std::string text(length, letter);
      letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1);
      EXPECT_TRUE(writer->AppendLine(Stream::kStdout, text, false).ok());
      clock_.Advance(absl::Milliseconds(1));
    }
    EXPECT_TRUE(writer->Flush().ok());
    original_ = ReadAll();
    EXPECT_EQ(original_.size(), lengths.size());
    return *disk_.Read(kPath);
  }
  // What is read is true: original lines at their places, and a declaration where one is missing,
  // unless only the end is. Returns how many are missing.
  size_t CheckTrue(const std::vector<TaskLine>& lines, bool may_miss_end) {
    size_t found = 0;
    uint64_t last = 0;
    bool declared = false;
    for (const TaskLine& item : lines) {
      const Line& line = item.line;
      EXPECT_GT(line.sequence, last);
      if (line.stream == Stream::kService) {
        declared = true;
        EXPECT_TRUE(line.error);
      } else if (line.text != "after") {
        EXPECT_TRUE(declared || line.sequence == last + 1);
        EXPECT_LE(line.sequence, original_.size());
        if (line.sequence > original_.size()) break;
        const Line& expected = original_[line.sequence - 1].line;
        EXPECT_TRUE(line.text == expected.text && line.time == expected.time);
        ++found;
      }
      last = line.sequence;
    }
    size_t missing = original_.size() - found;
    EXPECT_TRUE(declared || may_miss_end || missing == 0);
    return missing;
  }
  void CheckDamaged(const std::string& bytes, bool may_miss_end) {
    SetContents(bytes);
    std::vector<TaskLine> forward = ReadAll();
    CheckTrue(forward, true);
    std::vector<TaskLine> backward = ReadAll({.newest_first = true});
    std::reverse(backward.begin(), backward.end());
    EXPECT_EQ(Texts(backward), Texts(forward));
    auto writer = Open("t", 8 << 20);
    ASSERT_TRUE(writer->AppendLine(Stream::kStdout, "after", false).ok());
    ASSERT_TRUE(writer->Flush().ok());
    std::vector<TaskLine> repaired = ReadAll();
    ASSERT_FALSE(repaired.empty());
    EXPECT_EQ(repaired.back().line.text, "after");
    CheckTrue(repaired, may_miss_end);
  }

  std::vector<TaskLine> original_;
};

std::string Flipped(std::string bytes, size_t at, uint64_t bits) {
  bytes[at] = static_cast<char>(bytes[at] ^ static_cast<char>(bits));
  return bytes;
}

TEST_F(DamageTest, EveryByteOfAShortLog) {
  std::string bytes = Make({10, 0, 100, 1, 57, 300, 3, 20, 0, 90});
  for (size_t length = 0; length < bytes.size(); ++length) {
    // A cut between two records leaves no trace in one file.
    CheckDamaged(bytes.substr(0, length), true);
    CheckDamaged(bytes.substr(0, length) + std::string(bytes.size() - length, '\0'), false);
    ASSERT_FALSE(HasFailure()) << "cut at " << length;
  }
  base::SeededRandom random(3);
  for (size_t at = 0; at < bytes.size(); ++at) {
    CheckDamaged(Flipped(bytes, at, 1 + random.Below(255)), false);
    ASSERT_FALSE(HasFailure()) << "flipped at " << at;
  }
}

TEST_F(DamageTest, ALongLogAroundItsBlocks) {
  std::string bytes = Make({100, 40'000, 5, 20'000, 30'000, 70'000, 1, 20'000, 2, 3});
  base::SeededRandom random(4);
  for (size_t at = 0; at < bytes.size(); ++at) {
    size_t distance = std::min(at % kBlockBytes, kBlockBytes - at % kBlockBytes);
    if (distance > 40 && at % 509 != 0) continue;
    CheckDamaged(bytes.substr(0, at), true);
    CheckDamaged(Flipped(bytes, at, 1 + random.Below(255)), false);
    ASSERT_FALSE(HasFailure()) << "at " << at;
  }
}

TEST_F(DamageTest, ADamagedPageCostsNoMoreThanItsBlock) {
  std::string bytes = Make(std::vector<size_t>(5000, 20));
  ASSERT_GT(bytes.size(), 4 * kBlockBytes);
  size_t page = kBlockBytes + 8192;
  std::string damaged = bytes;
  damaged.replace(page, 4096, 4096, '\xff');
  SetContents(damaged);
  EXPECT_LE(CheckTrue(ReadAll(), false), kBlockBytes / 36);
  SetContents(Flipped(bytes, page + 20, 1));
  EXPECT_LE(CheckTrue(ReadAll(), false), 1u + kBlockBytes / 36);
}

TEST_F(DamageTest, AClosedSegmentThatLostItsEndIsDeclared) {
  auto writer = Open("t", 512 << 10);
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(writer->AppendLine(Stream::kStdout, std::string(100, 'x'), false).ok());
  }
  ASSERT_TRUE(writer->Flush().ok());
  ASSERT_GE(ListSegments(disk_, "/logs/1/t")->size(), 2u);
  original_ = ReadAll();
  std::string bytes = *disk_.Read(kPath);
  for (size_t length :
       {size_t{0}, size_t{31}, size_t{32}, size_t{1000}, size_t{kBlockBytes}, bytes.size() - 1}) {
    SetContents(bytes.substr(0, length));
    EXPECT_GT(CheckTrue(ReadAll(), false), 0u) << length;
    std::vector<TaskLine> backward = ReadAll({.newest_first = true});
    std::reverse(backward.begin(), backward.end());
    EXPECT_EQ(Texts(backward), Texts(ReadAll())) << length;
  }
}

}  // namespace
}  // namespace trainyard::logs
