#include "control/command_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trainyard::control {
namespace {

using Wake = CommandQueue::Wake;

class CountingCommand : public Command {
 public:
  CountingCommand(int& failed, bool submission, bool must)
      : failed_(failed), submission_(submission), must_(must) {}
  void Run(Batch&) override {}
  void Succeed(const Batch&) override {}
  void Fail(const absl::Status&) override { ++failed_; }
  bool must_happen() const override { return must_; }
  bool is_submission() const override { return submission_; }

 private:
  int& failed_;
  const bool submission_, must_;
};

class CommandQueueTest : public testing::Test {
 protected:
  Wake Submit() { return queue_.Push(std::make_unique<CountingCommand>(failed_, true, false)); }
  Wake Observe() { return queue_.Push(std::make_unique<CountingCommand>(failed_, false, true)); }

  int failed_ = 0;
  CommandQueue queue_{20, absl::Milliseconds(2)};
};

TEST_F(CommandQueueTest, WakesOnceForManyCommands) {
  EXPECT_EQ(Submit(), Wake::kNow);
  EXPECT_EQ(Submit(), Wake::kNo);
  EXPECT_EQ(queue_.Take().commands.size(), 2);
  EXPECT_EQ(Submit(), Wake::kNow);
}

TEST_F(CommandQueueTest, ALoneCallerNeverWaits) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Submit(), Wake::kNow);
    CommandQueue::Taken taken = queue_.Take();
    EXPECT_EQ(taken.wait, absl::ZeroDuration());
    EXPECT_EQ(taken.commands.size(), 1);
    queue_.NoteCommit(1, absl::Milliseconds(1));
  }
}

TEST_F(CommandQueueTest, WaitsForThoseWhoWereJustAnswered) {
  for (int i = 0; i < 8; ++i) Submit();
  EXPECT_EQ(queue_.Take().commands.size(), 8);
  for (int i = 0; i < 4; ++i) Submit();
  queue_.NoteCommit(8, absl::Milliseconds(1));
  CommandQueue::Taken taken = queue_.Take();
  EXPECT_EQ(taken.wait, absl::Microseconds(500)) << "half of what a commit took";
  EXPECT_TRUE(taken.commands.empty());
  for (int i = 0; i < 7; ++i) EXPECT_EQ(Submit(), Wake::kNo);
  EXPECT_EQ(Submit(), Wake::kNow) << "all that were expected are here";
  EXPECT_EQ(queue_.Take().commands.size(), 12);
  EXPECT_FALSE(queue_.EndWait(taken.gathering)) << "somebody came before";
}

TEST_F(CommandQueueTest, AWaitEnds) {
  Submit(), Submit();
  queue_.Take();
  queue_.NoteCommit(2, absl::Seconds(1));
  Submit();
  CommandQueue::Taken taken = queue_.Take();
  EXPECT_EQ(taken.wait, absl::Milliseconds(2)) << "never longer than the option says";
  EXPECT_TRUE(queue_.EndWait(taken.gathering));
  EXPECT_EQ(queue_.Take().commands.size(), 1);
}

TEST_F(CommandQueueTest, WhatTheWorldTellsWaitsForNobody) {
  queue_.NoteCommit(8, absl::Milliseconds(1));
  Submit();
  Observe();
  EXPECT_EQ(queue_.Take().commands.size(), 2);
}

TEST_F(CommandQueueTest, FullAndClosed) {
  for (int i = 0; i < 20; ++i) Submit();
  EXPECT_EQ(failed_, 0);
  Submit();
  EXPECT_EQ(failed_, 1);
  Observe();
  EXPECT_EQ(failed_, 1) << "what must happen is never refused";
  queue_.Close(absl::UnavailableError("stopping"));
  EXPECT_EQ(failed_, 21);
  EXPECT_EQ(Submit(), Wake::kNo);
  EXPECT_EQ(failed_, 22);
  EXPECT_TRUE(queue_.Take().commands.empty());
}

}  // namespace
}  // namespace trainyard::control
