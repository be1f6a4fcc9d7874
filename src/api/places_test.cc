// Locations and projects.
#include "absl/strings/str_cat.h"
#include "api/house.h"
#include "gmock/gmock.h"
#include "google/cloud/location/locations.pb.h"
#include "google/cloud/resourcemanager/v3/projects.pb.h"
#include "gtest/gtest.h"
#include "model/names.h"

namespace trainyard::api {
namespace {

namespace location = google::cloud::location;
namespace rm = google::cloud::resourcemanager::v3;

class PlacesTest : public testing::Test {
 protected:
  absl::StatusOr<location::ListLocationsResponse> List(const std::string& request) {
    return house_.AskText<location::ListLocationsResponse, location::ListLocationsRequest>(
        "google.cloud.location.Locations/ListLocations", request);
  }
  absl::StatusOr<rm::Project> GetProject(const std::string& name,
                                         const std::string& account = House::kOwner) {
    return house_.AskText<rm::Project, rm::GetProjectRequest>(
        "google.cloud.resourcemanager.v3.Projects/GetProject", absl::StrCat("name: '", name, "'"),
        account);
  }
  House house_;
};

TEST_F(PlacesTest, Locations) {
  absl::StatusOr<location::ListLocationsResponse> all = List("name: 'projects/p'");
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(static_cast<size_t>(all->locations_size()), model::Regions().size());
  EXPECT_EQ(all->locations(0).name(), "projects/p/locations/africa-south1");
  EXPECT_EQ(all->next_page_token(), "");
  std::vector<std::string> paged;
  std::string token;
  do {
    absl::StatusOr<location::ListLocationsResponse> page =
        List(absl::StrCat("name: 'projects/p' page_size: 10 page_token: '", token, "'"));
    ASSERT_TRUE(page.ok());
    for (const auto& one : page->locations()) paged.push_back(one.location_id());
    token = page->next_page_token();
  } while (!token.empty());
  EXPECT_EQ(paged, model::Regions());
  for (const char* bad :
       {"name: 'p'", "name: 'projects/p' page_token: 'x'", "name: 'projects/p' page_token: '999'",
        "name: 'projects/p' page_size: -1", "name: 'projects/p' page_token: '-1'"}) {
    EXPECT_EQ(List(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST_F(PlacesTest, OneLocation) {
  auto get = [&](const char* name) {
    return house_.AskText<location::Location, location::GetLocationRequest>(
        "google.cloud.location.Locations/GetLocation", absl::StrCat("name: '", name, "'"));
  };
  EXPECT_EQ(get("projects/p/locations/us-central1")->location_id(), "us-central1");
  EXPECT_EQ(get("projects/p/locations/mars").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(PlacesTest, ProjectsByIdAndNumber) {
  absl::StatusOr<rm::Project> by_id = GetProject("projects/my-project");
  ASSERT_TRUE(by_id.ok()) << by_id.status();
  EXPECT_EQ(by_id->project_id(), "my-project");
  EXPECT_EQ(by_id->name(), absl::StrCat("projects/", model::ProjectNumber("my-project")));
  EXPECT_EQ(by_id->state(), rm::Project::ACTIVE);
  // A number tells its id once the project was used.
  EXPECT_EQ(GetProject(by_id->name())->project_id(), model::ProjectNumber("my-project"));
  house_.Submit("projects/my-project/locations/us-central1");
  EXPECT_EQ(GetProject(by_id->name())->project_id(), "my-project");
  EXPECT_TRUE(house_.store->Get(store::kSettings, by_id->name()).ok());
  EXPECT_EQ(GetProject(absl::StrCat("projects/", model::ProjectNumber("home")))->project_id(),
            "home");
}

TEST_F(PlacesTest, ProjectPermissionsCountForTheNumberToo) {
  house_.Submit();
  const std::string number = absl::StrCat("projects/", model::ProjectNumber("p"));
  EXPECT_TRUE(GetProject(number, House::kViewer).ok());
  EXPECT_EQ(GetProject(number, House::kStranger).status().code(),
            absl::StatusCode::kPermissionDenied);
  for (const char* name : {"", "p", "projects/", "projects/p/x", "folders/1", "projects/.."}) {
    EXPECT_EQ(GetProject(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

}  // namespace
}  // namespace trainyard::api
