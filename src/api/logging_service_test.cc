#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "api/house.h"
#include "api/reply.h"
#include "gmock/gmock.h"
#include "google/logging/v2/logging.pb.h"
#include "gtest/gtest.h"
#include "model/names.h"

namespace trainyard::api {
namespace {

namespace logging = google::logging::v2;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LoggingTest : public testing::Test {
 protected:
  absl::StatusOr<logging::ListLogEntriesResponse> List(
      const logging::ListLogEntriesRequest& request, const std::string& account = House::kOwner) {
    return house_.Ask<logging::ListLogEntriesResponse>(
        "google.logging.v2.LoggingServiceV2/ListLogEntries", request, account);
  }

  absl::StatusOr<logging::ListLogEntriesResponse> List(const std::string& filter,
                                                       const std::string& account = House::kOwner) {
    logging::ListLogEntriesRequest request;
    request.add_resource_names("projects/p");
    request.set_filter(filter);
    return List(request, account);
  }

  static std::vector<std::string> Texts(const logging::ListLogEntriesResponse& response) {
    std::vector<std::string> texts;
    for (const logging::LogEntry& entry : response.entries()) {
      texts.push_back(entry.text_payload());
    }
    return texts;
  }

  // The texts of the entries of user code that a filter finds.
  std::vector<std::string> Find(const std::string& filter) {
    auto response = List(filter + " AND NOT resource.labels.task_name=service");
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? Texts(*response) : std::vector<std::string>{"an error"};
  }

  // Everything, page by page.
  std::vector<std::string> Paged(const std::string& filter, int page_size,
                                 const std::string& order_by) {
    std::vector<std::string> texts;
    logging::ListLogEntriesRequest request;
    request.add_resource_names("projects/p");
    request.set_filter(filter);
    request.set_page_size(page_size);
    request.set_order_by(order_by);
    for (int page = 0; page < 1000; ++page) {
      auto response = List(request);
      EXPECT_TRUE(response.ok()) << response.status();
      if (!response.ok()) break;
      EXPECT_LE(response->entries_size(), page_size);
      for (std::string& text : Texts(*response)) texts.push_back(std::move(text));
      if (response->next_page_token().empty()) return texts;
      request.set_page_token(response->next_page_token());
    }
    ADD_FAILURE() << "no end";
    return texts;
  }

  static std::string OfJob(const std::string& job) {
    return absl::StrCat("resource.type=\"ml_job\" AND resource.labels.job_id=\"", IdOf(job), "\"");
  }

  void Say(const std::string& job, const std::string& text,
           logs::Stream stream = logs::Stream::kStdout) {
    house_.Say(IdOf(job), "workerpool0-0", stream, text);
  }

  House house_;
};

TEST_F(LoggingTest, WhatGcloudAsks) {
  std::string job = house_.Submit();
  Say(job, "one");
  house_.clock.Advance(absl::Seconds(10));
  absl::Time second = house_.clock.Now();
  Say(job, "two");
  Say(job, "three", logs::Stream::kStderr);
  house_.clock.Advance(absl::Seconds(10));
  Say(job, "four");
  auto at = [](absl::Time time) {
    return absl::StrCat("\"", absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone()),
                        "\"");
  };
  EXPECT_THAT(Find(OfJob(job)), ElementsAre("one", "two", "three", "four"));
  EXPECT_THAT(Find(absl::StrCat(OfJob(job), " AND timestamp>=", at(second), " AND timestamp<",
                                at(second + absl::Seconds(5)))),
              ElementsAre("two", "three"));
  EXPECT_THAT(Find(absl::StrCat(OfJob(job), " AND severity>=ERROR")), ElementsAre("three"));
  EXPECT_THAT(Find(absl::StrCat(OfJob(job), " AND textPayload:\"O\"")),
              ElementsAre("one", "two", "four"));
  EXPECT_THAT(Find(absl::StrCat(OfJob(job), " thr")), ElementsAre("three"));
  EXPECT_THAT(Find("resource.labels.job_id=\"17\""), IsEmpty());
  // Where the last poll ended: entries of the same time go on by insertId.
  auto two = List(absl::StrCat(OfJob(job), " textPayload=two"));
  ASSERT_EQ(two->entries_size(), 1);
  EXPECT_THAT(Find(absl::StrCat(OfJob(job), " AND ((timestamp=", at(second), " AND insertId>\"",
                                two->entries(0).insert_id(), "\") OR timestamp>", at(second), ")")),
              ElementsAre("three", "four"));
}

TEST_F(LoggingTest, ServiceLinesAndTasks) {
  std::string job = house_.Submit();
  Say(job, "mine");
  auto service = List(absl::StrCat(OfJob(job), " AND resource.labels.task_name=\"service\""));
  ASSERT_TRUE(service.ok());
  ASSERT_GT(service->entries_size(), 0);
  for (const logging::LogEntry& entry : service->entries()) {
    EXPECT_EQ(entry.log_name(), "projects/p/logs/service");
  }
  EXPECT_THAT(Texts(*List(absl::StrCat(OfJob(job), " logName=\"projects/p/logs/workerpool0-0\""))),
              ElementsAre("mine"));
}

TEST_F(LoggingTest, PagesLoseNothingAndRepeatNothing) {
  std::string first = house_.Submit(), second = house_.Submit();
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    // Many of one time, in two jobs and two tasks.
    if (i % 8 == 0) house_.clock.Advance(absl::Microseconds(1));
    std::string text = absl::StrCat("line ", i);
    house_.Say(IdOf(i % 2 == 0 ? first : second), i % 3 == 0 ? "workerpool0-0" : "workerpool0-1",
               logs::Stream::kStdout, text);
    expected.push_back(text);
  }
  const std::string filter = "textPayload:line";
  std::vector<std::string> whole = Paged(filter, 1000, "timestamp asc");
  EXPECT_THAT(whole, testing::UnorderedElementsAreArray(expected));
  std::vector<std::string> reversed(whole.rbegin(), whole.rend());
  for (int page_size : {1, 2, 3, 7, 39, 40, 41}) {
    EXPECT_EQ(Paged(filter, page_size, "timestamp asc"), whole) << page_size;
    EXPECT_EQ(Paged(filter, page_size, "timestamp desc"), reversed) << page_size;
    EXPECT_EQ(Paged(filter, page_size, ""), whole) << page_size;
  }
}

TEST_F(LoggingTest, AFilterThatFindsLittleGivesShortPages) {
  std::string job = house_.Submit();
  std::string many;
  for (int i = 0; i < 30'000; ++i) absl::StrAppend(&many, i == 29'990 ? "needle" : "hay", "\n");
  Say(job, many);
  EXPECT_THAT(Paged(absl::StrCat(OfJob(job), " textPayload=needle"), 10, "timestamp asc"),
              ElementsAre("needle"));
  EXPECT_THAT(Paged(absl::StrCat(OfJob(job), " textPayload=needle"), 10, "timestamp desc"),
              ElementsAre("needle"));
}

TEST_F(LoggingTest, LinesAreSortedByTheirOwnTime) {
  std::string job = house_.Submit();
  auto say = [&](const char* text, absl::Duration late) {
    Say(job, absl::StrCat("{\"message\":\"", text, "\",\"time\":\"",
                          absl::FormatTime(absl::RFC3339_full, house_.clock.Now() - late,
                                           absl::UTCTimeZone()),
                          "\"}"));
    house_.clock.Advance(absl::Milliseconds(10));
  };
  say("b", absl::Seconds(1));
  say("a", absl::Seconds(2));
  say("c", absl::ZeroDuration());
  auto entries = List(absl::StrCat(OfJob(job), " jsonPayload.message:*"));
  std::vector<std::string> messages;
  for (const auto& entry : entries->entries()) {
    messages.push_back(entry.json_payload().fields().at("message").string_value());
  }
  EXPECT_THAT(messages, ElementsAre("a", "b", "c"));
  // A window of time that ends before the late line was read finds it.
  const auto& a = entries->entries(0);
  absl::Time after = FromTimestamp(a.timestamp()) + absl::Milliseconds(1);
  auto window =
      List(absl::StrCat(OfJob(job), " jsonPayload.message:* timestamp<\"",
                        absl::FormatTime(absl::RFC3339_full, after, absl::UTCTimeZone()), "\""));
  EXPECT_EQ(window->entries_size(), 1);
}

TEST_F(LoggingTest, OnlyTheProjectsOwn) {
  std::string ours = house_.Submit();
  std::string theirs = house_.Submit("projects/q/locations/us-central1");
  Say(ours, "ours");
  Say(theirs, "theirs");
  EXPECT_THAT(Find("severity=INFO"), ElementsAre("ours"));
  EXPECT_THAT(Find(OfJob(theirs)), IsEmpty());
  logging::ListLogEntriesRequest request;
  request.set_filter("textPayload:ours OR textPayload:theirs");
  request.add_resource_names("projects/q");
  request.add_resource_names("projects/p");
  EXPECT_THAT(Texts(*List(request)), ElementsAre("ours", "theirs"));
  EXPECT_EQ(List(request, House::kUser).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(List("", House::kStranger).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(List("", House::kViewer).ok());
  request.clear_resource_names();
  request.add_resource_names(absl::StrCat("projects/", model::ProjectNumber("p")));
  EXPECT_THAT(Texts(*List(request, House::kViewer)), ElementsAre("ours"));
}

TEST_F(LoggingTest, BadRequestsSayWhy) {
  house_.Submit();
  auto check = [&](const std::string& request, const char* text) {
    logging::ListLogEntriesRequest parsed;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(request, &parsed));
    absl::Status status = List(parsed).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << request;
    EXPECT_THAT(std::string(status.message()), HasSubstr(text)) << request;
  };
  check("", "resource_names");
  check("resource_names: 'folders/1'", "projects/{project}");
  check("resource_names: 'projects/p' filter: 'a='", "filter");
  check("resource_names: 'projects/p' filter: 'nonesuch=1'", "nonesuch");
  check("resource_names: 'projects/p' filter: 'timestamp>yesterday'", "timestamp");
  check("resource_names: 'projects/p' order_by: 'severity'", "order_by");
  check("resource_names: 'projects/p' order_by: 'timestamp up'", "order_by");
  check("resource_names: 'projects/p' page_size: -1", "page_size");
  check("resource_names: 'projects/p' page_token: 'x'", "page_token");
  logging::ListLogEntriesRequest request;
  request.add_resource_names("projects/p");
  request.set_page_size(1);
  std::string token = List(request)->next_page_token();
  ASSERT_NE(token, "");
  check(absl::StrCat("resource_names: 'projects/p' filter: 'severity=INFO' page_token: '", token,
                     "'"),
        "belongs to another request");
}

TEST_F(LoggingTest, LogNames) {
  std::string job = house_.Submit();
  Say(job, "x");
  auto list = [&](const std::string& request) {
    return house_.AskText<logging::ListLogsResponse, logging::ListLogsRequest>(
        "google.logging.v2.LoggingServiceV2/ListLogs", request);
  };
  auto all = list("parent: 'projects/p'");
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_THAT(all->log_names(),
              ElementsAre("projects/p/logs/service", "projects/p/logs/workerpool0-0"));
  auto first = list("parent: 'projects/p' page_size: 1");
  EXPECT_THAT(first->log_names(), ElementsAre("projects/p/logs/service"));
  auto second = list(absl::StrCat("parent: 'projects/p' page_size: 1 page_token: '",
                                  first->next_page_token(), "'"));
  EXPECT_THAT(second->log_names(), ElementsAre("projects/p/logs/workerpool0-0"));
  EXPECT_EQ(second->next_page_token(), "");
  EXPECT_EQ(list("parent: 'x'").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace trainyard::api
