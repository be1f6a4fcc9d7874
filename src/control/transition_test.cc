#include "control/transition.h"

#include <gtest/gtest.h>

#include "control/timestamp.h"

namespace trainyard::control {
namespace {

constexpr JobEvent kEvents[] = {
    JobEvent::kPlaced, JobEvent::kAllRunning,      JobEvent::kSucceeded, JobEvent::kFailed,
    JobEvent::kRetry,  JobEvent::kCancelRequested, JobEvent::kStopped};
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

CustomJobRecord RecordIn(v1::JobState state) {
  CustomJobRecord record;
  record.mutable_job()->set_name("projects/p/locations/l/customJobs/17");
  record.mutable_job()->set_state(state);
  *record.mutable_job()->mutable_create_time() = ToTimestamp(kNow - absl::Hours(1));
  return record;
}

// Every state and event: what the table says happens, and nothing else does.
TEST(Transition, AllPairs) {
  for (int number = v1::JobState_MIN; number <= v1::JobState_MAX; ++number) {
    for (JobEvent event : kEvents) {
      v1::JobState state = static_cast<v1::JobState>(number);
      SCOPED_TRACE(v1::JobState_Name(state) + " " + std::string(model::NameOf(event)));
      CustomJobRecord record = RecordIn(state), before = record;
      Journal journal;
      absl::StatusOr<v1::JobState> next = model::Next(state, event);
      absl::Status advanced = Advance(record, event, kNow, journal);
      ASSERT_EQ(advanced.ok(), next.ok());
      if (!next.ok()) {
        EXPECT_EQ(record.DebugString(), before.DebugString());
        EXPECT_TRUE(journal.events.empty());
        continue;
      }
      EXPECT_EQ(record.job().state(), *next);
      EXPECT_EQ(FromTimestamp(record.job().update_time()), kNow);
      EXPECT_EQ(record.job().has_start_time(), *next == v1::JOB_STATE_RUNNING);
      EXPECT_EQ(record.job().has_end_time(), model::IsTerminal(*next));
      ASSERT_EQ(journal.events.size(), 1);
      trainyard::store::v1::JobTransition step;
      ASSERT_TRUE(step.ParseFromString(journal.events[0].value));
      EXPECT_EQ(step.from(), state);
      EXPECT_EQ(step.state(), *next);
      EXPECT_EQ(step.cause(), std::string(model::NameOf(event)));
      EXPECT_EQ(journal.events[0].name, record.job().name());
    }
  }
}

TEST(Transition, StartTimeIsTheFirstOne) {
  CustomJobRecord record = RecordIn(v1::JOB_STATE_PENDING);
  Journal journal;
  ASSERT_TRUE(Advance(record, JobEvent::kAllRunning, kNow, journal).ok());
  ASSERT_TRUE(Advance(record, JobEvent::kRetry, kNow + absl::Seconds(1), journal).ok());
  ASSERT_TRUE(Advance(record, JobEvent::kAllRunning, kNow + absl::Seconds(2), journal).ok());
  EXPECT_EQ(FromTimestamp(record.job().start_time()), kNow);
  EXPECT_EQ(FromTimestamp(record.job().update_time()), kNow + absl::Seconds(2));
}

TEST(Transition, TimesNeverGoBack) {
  CustomJobRecord record = RecordIn(v1::JOB_STATE_RUNNING);
  Journal journal;
  NoteStep(record, "stopping", kNow, journal);
  ASSERT_TRUE(Advance(record, JobEvent::kFailed, kNow - absl::Hours(5), journal).ok());
  EXPECT_EQ(FromTimestamp(record.job().end_time()), kNow);
}

TEST(Timestamp, Microseconds) {
  const struct {
    int64_t micros;
    int64_t seconds;
    int nanos;
  } kCases[] = {{0, 0, 0}, {1'500'000, 1, 500'000'000}, {-1, -1, 999'999'000}, {-1'000'000, -1, 0}};
  for (const auto& c : kCases) {
    google::protobuf::Timestamp timestamp = ToTimestamp(absl::FromUnixMicros(c.micros));
    EXPECT_EQ(timestamp.seconds(), c.seconds);
    EXPECT_EQ(timestamp.nanos(), c.nanos);
    EXPECT_EQ(FromTimestamp(timestamp), absl::FromUnixMicros(c.micros));
  }
  EXPECT_EQ(ToTimestamp(absl::FromUnixNanos(1'999)).nanos(), 1'000);
}

}  // namespace
}  // namespace trainyard::control
