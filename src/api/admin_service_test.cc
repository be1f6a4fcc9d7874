#include "absl/strings/str_cat.h"
#include "api/house.h"
#include "gmock/gmock.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"
#include "gtest/gtest.h"
#include "trainyard/admin/v1/admin.pb.h"

namespace trainyard::api {
namespace {

namespace admin = trainyard::admin::v1;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kService[] = "trainyard.admin.v1.AdminService/";

class AdminTest : public testing::Test {
 protected:
  absl::StatusOr<admin::ReadJobLogResponse> Read(const std::string& request,
                                                 const std::string& account = House::kOwner) {
    return house_.AskText<admin::ReadJobLogResponse, admin::ReadJobLogRequest>(
        absl::StrCat(kService, "ReadJobLog"), request, account);
  }

  // A read that may wait.
  void BeginRead(const std::string& request) {
    admin::ReadJobLogRequest parsed;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(request, &parsed));
    response_.reset();
    house_.Begin(absl::StrCat(kService, "ReadJobLog"), parsed, House::kOwner,
                 [this](edge::Response response) { response_ = std::move(response); });
  }

  const admin::ReadJobLogResponse& Response() {
    return static_cast<const admin::ReadJobLogResponse&>(***response_);
  }

  static std::vector<std::string> Texts(const admin::ReadJobLogResponse& response) {
    std::vector<std::string> texts;
    for (const admin::LogLine& line : response.lines()) {
      if (line.task() != "service") texts.push_back(line.text());
    }
    return texts;
  }

  void Say(const std::string& job, const std::string& text) {
    house_.Say(IdOf(job), "workerpool0-0", logs::Stream::kStdout, text);
  }

  void End(int exit_code) {
    house_.runtime.Run();
    house_.RunAll();
    house_.runtime.End(exit_code);
    house_.RunAll();
  }

  House house_;
  std::optional<edge::Response> response_;
};

TEST_F(AdminTest, ExplainOfAQueuedJob) {
  house_.Submit();
  house_.Submit();
  std::string third = house_.Submit();
  auto explained = house_.AskText<admin::ExplainJobResponse, admin::ExplainJobRequest>(
      absl::StrCat(kService, "ExplainJob"), absl::StrCat("name: '", third, "'"));
  ASSERT_TRUE(explained.ok()) << explained.status();
  EXPECT_EQ(explained->state(), "JOB_STATE_QUEUED");
  EXPECT_EQ(explained->position(), 1);
  ASSERT_GT(explained->blockers_size(), 0);
  EXPECT_EQ(explained->blockers(0).resource(), "cpu");
  EXPECT_EQ(explained->blockers(0).needed(), 4000);
  EXPECT_NE(explained->summary(), "");
  auto absent = house_.AskText<admin::ExplainJobResponse, admin::ExplainJobRequest>(
      absl::StrCat(kService, "ExplainJob"), absl::StrCat("name: '", third, "0'"));
  EXPECT_EQ(absent.status().code(), absl::StatusCode::kNotFound);
}

TEST_F(AdminTest, Status) {
  house_.Submit();
  auto status = house_.AskText<admin::GetStatusResponse, admin::GetStatusRequest>(
      absl::StrCat(kService, "GetStatus"), "");
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->version(), "1.2.3");
  EXPECT_EQ(status->placement(), "strict");
  EXPECT_EQ(status->cpu_milli(), 8000);
  EXPECT_EQ(status->cpu_milli_free(), 4000);
  EXPECT_EQ(status->data_directory(), "/data");
  EXPECT_GT(status->start_time().seconds(), 0);
}

TEST_F(AdminTest, LogFromACursorOn) {
  std::string job = house_.Submit();
  Say(job, "one");
  Say(job, "two\xFF");
  const std::string request = absl::StrCat("name: '", job, "' task: 'workerpool0-0' ");
  auto first = Read(request + "lines_max: 1");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT(Texts(*first), ElementsAre("one"));
  EXPECT_EQ(first->lines(0).severity(), "INFO");
  EXPECT_EQ(first->lines(0).stream(), "stdout");
  EXPECT_FALSE(first->ended());
  auto second = Read(absl::StrCat(request, "cursor: '", first->cursor(), "'"));
  EXPECT_THAT(Texts(*second), ElementsAre("two\xEF\xBF\xBD"));
  auto third = Read(absl::StrCat(request, "cursor: '", second->cursor(), "'"));
  EXPECT_THAT(Texts(*third), ElementsAre());
  EXPECT_FALSE(third->ended());
}

TEST_F(AdminTest, EndedComesWithTheLastLine) {
  std::string job = house_.Submit();
  Say(job, "one");
  End(0);
  auto all = Read(absl::StrCat("name: '", job, "'"));
  ASSERT_TRUE(all.ok());
  EXPECT_TRUE(all->ended());
  EXPECT_EQ(all->lines(all->lines_size() - 1).text(), "Job completed successfully.");
  auto part = Read(absl::StrCat("name: '", job, "' lines_max: 1"));
  EXPECT_FALSE(part->ended());
}

TEST_F(AdminTest, WaitsForALineWithoutHoldingTheCaller) {
  std::string job = house_.Submit();
  BeginRead(absl::StrCat("name: '", job, "' task: 'workerpool0-0' wait { seconds: 30 }"));
  house_.waits.AdvanceBy(absl::Seconds(2));
  EXPECT_FALSE(response_.has_value());
  Say(job, "at last");
  house_.waits.AdvanceBy(absl::Milliseconds(25));
  ASSERT_TRUE(response_.has_value());
  EXPECT_THAT(Texts(Response()), ElementsAre("at last"));
}

TEST_F(AdminTest, AWaitEnds) {
  std::string job = house_.Submit();
  const std::string request = absl::StrCat("name: '", job, "' task: 'workerpool0-0' ");
  BeginRead(request + "wait { seconds: 3600 }");
  house_.waits.AdvanceBy(absl::Milliseconds(29'990));
  EXPECT_FALSE(response_.has_value());
  house_.waits.AdvanceBy(absl::Milliseconds(20));
  ASSERT_TRUE(response_.has_value());
  EXPECT_THAT(Texts(Response()), ElementsAre());
  EXPECT_FALSE(Response().ended());
  // The end of the job ends it too.
  BeginRead(request + "wait { seconds: 30 }");
  house_.waits.AdvanceBy(absl::Seconds(1));
  EXPECT_FALSE(response_.has_value());
  End(0);
  house_.waits.AdvanceBy(absl::Milliseconds(25));
  ASSERT_TRUE(response_.has_value());
  EXPECT_TRUE(Response().ended());
}

TEST_F(AdminTest, BadLogRequests) {
  std::string job = house_.Submit();
  EXPECT_EQ(Read("name: 'x'").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Read(absl::StrCat("name: '", job, "0'")).status().code(), absl::StatusCode::kNotFound);
  for (const char* more : {"cursor: '?'", "lines_max: -1", "wait { seconds: -1 }"}) {
    EXPECT_EQ(Read(absl::StrCat("name: '", job, "' ", more)).status().code(),
              absl::StatusCode::kInvalidArgument)
        << more;
  }
  EXPECT_EQ(Read(absl::StrCat("name: '", job, "'"), House::kStranger).status().code(),
            absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace trainyard::api
