#include "model/names.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace trainyard::model {
namespace {

TEST(NamesTest, LocationRoundTrips) {
  for (const char* name : {"projects/p/locations/us-central1", "projects/123/locations/x",
                           "projects/example.com:my-project/locations/europe-west4"}) {
    absl::StatusOr<Location> location = ParseLocation(name);
    ASSERT_TRUE(location.ok()) << location.status();
    EXPECT_EQ(location->ToString(), name);
  }
}

TEST(NamesTest, RefusesWhatIsNoLocation) {
  for (const char* name :
       {"", "projects", "projects/p", "projects/p/locations", "projects/p/locations/",
        "projects//locations/l", "/projects/p/locations/l", "projects/p/locations/l/",
        "projects/p/locations/l/customJobs/1", "project/p/locations/l", "projects/../locations/l",
        "projects/p/locations/.", "projects/p q/locations/l", "projects/p%2f/locations/l",
        "projects/p\n/locations/l"}) {
    EXPECT_EQ(ParseLocation(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
  std::string long_name = "projects/" + std::string(5000, 'p') + "/locations/l";
  absl::Status status = ParseLocation(long_name).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_LT(status.message().size(), 400u);
}

TEST(NamesTest, ResourceNames) {
  absl::StatusOr<ResourceName> job =
      ParseResourceName("projects/p/locations/l/customJobs/17", "customJobs");
  ASSERT_TRUE(job.ok());
  EXPECT_EQ(job->id, "17");
  EXPECT_EQ(job->ToString(), "projects/p/locations/l/customJobs/17");
  for (const char* name :
       {"projects/p/locations/l/customJobs/", "projects/p/locations/l/customJobs",
        "projects/p/locations/l/models/17", "projects/p/locations/l/customJobs/17/x",
        "projects/p/locations/l/customJobs/17/operations/1", "customJobs/17"}) {
    absl::Status status = ParseResourceName(name, "customJobs").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_TRUE(absl::StrContains(status.message(),
                                  "projects/{project}/locations/{location}/customJobs/{id}"));
  }
}

TEST(NamesTest, OperationNamesBecomeCanonical) {
  for (const char* name :
       {"projects/p/locations/l/operations/5", "projects/p/locations/l/customJobs/17/operations/5",
        "projects/p/locations/l/studies/1/trials/2/operations/5"}) {
    absl::StatusOr<ResourceName> operation = ParseOperationName(name);
    ASSERT_TRUE(operation.ok()) << name;
    EXPECT_EQ(operation->ToString(), "projects/p/locations/l/operations/5");
  }
  for (const char* name :
       {"projects/p/locations/l/operations", "projects/p/locations/l/customJobs/17",
        "projects/p/locations/l/customJobs/operations/5", "operations/5", "projects/p/operations/5",
        "projects/p/locations/l/operations/"}) {
    EXPECT_EQ(ParseOperationName(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

TEST(NamesTest, RegionsAreSortedAndReal) {
  const std::vector<std::string>& regions = Regions();
  EXPECT_TRUE(std::is_sorted(regions.begin(), regions.end()));
  EXPECT_EQ(std::adjacent_find(regions.begin(), regions.end()), regions.end());
  for (const char* region : {"us-central1", "europe-west4", "africa-south1", "us-west8"}) {
    EXPECT_TRUE(std::binary_search(regions.begin(), regions.end(), region)) << region;
  }
  EXPECT_FALSE(std::binary_search(regions.begin(), regions.end(), "global"));
}

TEST(NamesTest, ProjectNumbers) {
  EXPECT_EQ(ProjectNumber("123"), "123");
  EXPECT_EQ(ProjectNumber("my-project"), ProjectNumber("my-project"));
  EXPECT_NE(ProjectNumber("my-project"), ProjectNumber("my-projecu"));
  for (const char* project : {"", "a", "my-project", "example.com:p", "p1", "1p"}) {
    std::string number = ProjectNumber(project);
    EXPECT_EQ(number.size(), 12u) << project;
    EXPECT_NE(number[0], '0');
    EXPECT_TRUE(std::all_of(number.begin(), number.end(), [](char c) { return isdigit(c); }));
  }
}

}  // namespace
}  // namespace trainyard::model
