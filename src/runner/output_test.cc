#include "runner/output.h"

#include <gtest/gtest.h>

#include <vector>

namespace trainyard::runner {
namespace {

// Remembers what it is given; refuses everything while `full`.
class FakeLog : public logs::Writer {
 public:
  struct State {
    bool full = false;
    std::string text;
    int flushes = 0;
  };
  explicit FakeLog(State& state) : state_(state) {}

  absl::Status AppendBytes(logs::Stream, absl::string_view bytes) override {
    return Take(std::string(bytes));
  }
  absl::Status FinishLine(logs::Stream) override { return Take("|"); }
  absl::Status AppendLine(logs::Stream stream, absl::string_view text, bool error) override {
    EXPECT_EQ(stream, logs::Stream::kService);
    EXPECT_TRUE(error);
    return Take("[" + std::string(text) + "]");
  }
  absl::Status Flush() override {
    ++state_.flushes;
    return Take("");
  }
  absl::Status Sync() override { return Take(""); }

 private:
  absl::Status Take(const std::string& text) {
    if (state_.full) return absl::ResourceExhaustedError("no space");
    state_.text += text;
    return absl::OkStatus();
  }
  State& state_;
};

TEST(Tail, KeepsTheLastLines) {
  struct Case {
    const char* name;
    std::vector<std::string> appended;
    std::string want;
  };
  const Case cases[] = {
      {"short", {"a\n", "b"}, "a\nb"},
      {"exactly full", {"abcdefgh"}, "abcdefgh"},
      {"cut at a line", {"12345\n", "67890\n"}, "67890\n"},
      {"a line longer than all", {"0123456789abcdef"}, "89abcdef"},
      {"many", {std::string(1000, 'x') + "\n", "end"}, "end"},
      {"no line begins in reach", {"0123456789\n"}, "3456789\n"},
  };
  for (const Case& c : cases) {
    Tail tail(8);
    for (const std::string& bytes : c.appended) tail.Append(bytes);
    EXPECT_EQ(tail.Text(), c.want) << c.name;
  }
}

TEST(Output, AFullDiskLosesBytesAndSaysSo) {
  base::FakeClock clock;
  FakeLog::State state;
  Output output(clock, std::make_unique<FakeLog>(state));
  output.Append(logs::Stream::kStdout, "one\n");
  state.full = true;
  output.Append(logs::Stream::kStdout, "lost\n");
  output.Append(logs::Stream::kStderr, "too\n");
  state.full = false;
  output.Append(logs::Stream::kStdout, "three\n");
  output.Finish();
  EXPECT_EQ(state.text,
            "one\n[The log could not be written: at least 9 bytes of output are lost. no "
            "space]three\n||");
  EXPECT_EQ(output.stderr_tail(), "too\n");
}

TEST(Output, FlushIsDueSoonAfterTheFirstByte) {
  base::FakeClock clock;
  FakeLog::State state;
  Output output(clock, std::make_unique<FakeLog>(state));
  EXPECT_FALSE(output.waiting());
  output.Append(logs::Stream::kStdout, "a");
  absl::Duration due = output.FlushDue();
  EXPECT_LE(due, clock.Monotonic() + absl::Milliseconds(50));
  clock.Advance(absl::Milliseconds(10));
  output.Append(logs::Stream::kStdout, "b");
  EXPECT_EQ(output.FlushDue(), due);
  output.Flush();
  EXPECT_FALSE(output.waiting());
  EXPECT_EQ(state.flushes, 1);
}

}  // namespace
}  // namespace trainyard::runner
