#include "cli/output.h"

#include <gtest/gtest.h>

#include "google/cloud/aiplatform/v1/custom_job.pb.h"

namespace trainyard::cli {
namespace {

TEST(Output, TablesAlignAndLeaveNoTrailingSpace) {
  EXPECT_EQ(RenderTable({{"ID", "NAME"}, {"123", "a"}, {"4", "long name"}}),
            "ID   NAME\n123  a\n4    long name\n");
}

TEST(Output, RendersMessages) {
  google::cloud::aiplatform::v1::CustomJob job;
  job.set_display_name("x");
  job.set_state(google::cloud::aiplatform::v1::JOB_STATE_FAILED);
  EXPECT_EQ(RenderMessage(job, Format::kYaml), "displayName: x\nstate: JOB_STATE_FAILED\n");
  EXPECT_EQ(RenderMessage(job, Format::kJson),
            "{\n \"displayName\": \"x\",\n \"state\": \"JOB_STATE_FAILED\"\n}\n");
  EXPECT_EQ(RenderMessages({&job}, Format::kYaml), "- displayName: x\n  state: JOB_STATE_FAILED\n");
}

TEST(Output, ShortDurations) {
  EXPECT_EQ(ShortDuration(absl::Seconds(5)), "5s");
  EXPECT_EQ(ShortDuration(absl::Seconds(192)), "3m12s");
  EXPECT_EQ(ShortDuration(absl::Hours(50)), "2d2h");
  EXPECT_EQ(ShortDuration(absl::Seconds(-5)), "0s");
}

}  // namespace
}  // namespace trainyard::cli
