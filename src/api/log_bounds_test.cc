#include "api/log_bounds.h"

#include "gtest/gtest.h"

namespace trainyard::api {
namespace {

using Names = std::optional<std::set<std::string>>;

absl::Time At(int64_t seconds) { return absl::FromUnixSeconds(1'800'000'000 + seconds); }

TEST(LogBoundsTest, Table) {
  const absl::Time past = absl::InfinitePast(), future = absl::InfiniteFuture();
  const std::string t1 = "\"2027-01-15T08:00:01Z\"", t5 = "\"2027-01-15T08:00:05Z\"";
  struct Case {
    std::string filter;
    Names jobs, tasks;
    absl::Time since, until;
  };
  const Case cases[] = {
      {"", {}, {}, past, future},
      {"resource.type=\"ml_job\"", {}, {}, past, future},
      {"resource.labels.job_id=\"1\"", {{"1"}}, {}, past, future},
      {"resource.labels.job_id=(\"1\" OR \"2\")", {{"1", "2"}}, {}, past, future},
      {"resource.labels.job_id=1 resource.labels.job_id=2", {{}}, {}, past, future},
      {"resource.labels.job_id=1 OR severity=ERROR", {}, {}, past, future},
      {"NOT resource.labels.job_id=1", {}, {}, past, future},
      {"resource.labels.job_id!=1 resource.labels.job_id:2", {}, {}, past, future},
      {"resource.labels.job_id=1 AND resource.labels.task_name=\"service\"",
       {{"1"}},
       {{"service"}},
       past,
       future},
      {"timestamp>=" + t1 + " AND timestamp<" + t5, {}, {}, At(1), At(5)},
      {"timestamp=" + t1, {}, {}, At(1), At(1)},
      {"timestamp!=" + t1, {}, {}, past, future},
      {"((timestamp=" + t1 + " AND insertId>\"x\") OR timestamp>" + t1 + ") timestamp<" + t5,
       {},
       {},
       At(1),
       At(5)},
      {"timestamp<" + t1 + " OR timestamp>" + t5, {}, {}, past, future},
  };
  for (const Case& c : cases) {
    absl::StatusOr<model::Filter> filter = model::ParseFilter(c.filter);
    ASSERT_TRUE(filter.ok()) << c.filter << ": " << filter.status();
    LogBounds bounds = BoundsOf(*filter);
    EXPECT_EQ(bounds.jobs, c.jobs) << c.filter;
    EXPECT_EQ(bounds.tasks, c.tasks) << c.filter;
    EXPECT_EQ(bounds.since, c.since) << c.filter;
    EXPECT_EQ(bounds.until, c.until) << c.filter;
  }
}

}  // namespace
}  // namespace trainyard::api
