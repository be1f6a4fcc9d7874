// google.cloud.location.Locations: the regions that this server answers for.
#include <algorithm>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "api/registrations.h"
#include "api/reply.h"
#include "base/limits.h"
#include "base/status.h"
#include "google/cloud/location/locations.pb.h"
#include "model/names.h"

namespace trainyard::api {
namespace {

namespace location = google::cloud::location;

constexpr char kService[] = "google.cloud.location.Locations/";

location::Location Made(const model::Location& name) {
  location::Location made;
  made.set_name(name.ToString());
  made.set_location_id(name.location);
  made.set_display_name(name.location);
  (*made.mutable_labels())["cloud.googleapis.com/region"] = name.location;
  return made;
}

absl::StatusOr<location::Location> Get(const std::vector<std::string>& served,
                                       const std::string& name) {
  ASSIGN_OR_RETURN(model::Location parsed, model::ParseLocation(name));
  if (std::find(served.begin(), served.end(), parsed.location) == served.end()) {
    return absl::NotFoundError(absl::StrCat("Location ", parsed.location,
                                            " is not served here; the locations are ",
                                            absl::StrJoin(served, ", "), "."));
  }
  return Made(parsed);
}

// The page token is the number of locations before the page.
absl::StatusOr<location::ListLocationsResponse> List(
    const std::vector<std::string>& served, const location::ListLocationsRequest& request) {
  ASSIGN_OR_RETURN(model::Location any,
                   model::ParseLocation(absl::StrCat(request.name(), "/locations/-")));
  size_t begin = 0;
  bool good_token = request.page_token().empty() || absl::SimpleAtoi(request.page_token(), &begin);
  if (!good_token || begin > served.size()) {
    return absl::InvalidArgumentError("page_token: is not one that this method gave out.");
  }
  if (request.page_size() < 0) {
    return absl::InvalidArgumentError("page_size: must not be negative.");
  }
  if (!request.filter().empty()) {
    return absl::InvalidArgumentError("filter: locations cannot be filtered.");
  }
  size_t size = request.page_size() == 0 ? base::limits::kPageSizeDefault
                                         : static_cast<size_t>(request.page_size());
  size_t end = begin + std::min(size, served.size() - begin);
  location::ListLocationsResponse response;
  for (size_t i = begin; i < end; ++i) {
    *response.add_locations() = Made({any.project, served[i]});
  }
  if (end < served.size()) response.set_next_page_token(absl::StrCat(end));
  return response;
}

}  // namespace

void RegisterLocations(edge::MethodTable& methods, const Services& services) {
  std::vector<std::string> served =
      services.locations.empty() ? model::Regions() : services.locations;
  methods.Register<location::GetLocationRequest>(
      absl::StrCat(kService, "GetLocation"), "aiplatform.locations.get", "name", false,
      [served](const edge::Call&, const location::GetLocationRequest& request,
               edge::Responder respond) { Send(respond, Get(served, request.name())); });
  methods.Register<location::ListLocationsRequest>(
      absl::StrCat(kService, "ListLocations"), "aiplatform.locations.list", "name", false,
      [served](const edge::Call&, const location::ListLocationsRequest& request,
               edge::Responder respond) { Send(respond, List(served, request)); });
}

}  // namespace trainyard::api
