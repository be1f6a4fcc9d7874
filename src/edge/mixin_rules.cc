#include "edge/mixin_rules.h"

#include "absl/strings/str_cat.h"

namespace trainyard::edge {
namespace {

constexpr int kCollectionsMax = 4;

void AddOperationRules(const std::string& version, const std::string& parent,
                       std::vector<MixinRule>& rules) {
  const std::string service = "google.longrunning.Operations/";
  const std::string prefix = absl::StrCat("/", version, "/{name=", parent);
  const std::string one = absl::StrCat(prefix, "/operations/*}");
  rules.push_back({service + "ListOperations", {"GET", prefix + "}/operations"}});
  rules.push_back({service + "GetOperation", {"GET", one}});
  rules.push_back({service + "DeleteOperation", {"DELETE", one}});
  rules.push_back({service + "CancelOperation", {"POST", one + ":cancel", "*"}});
  rules.push_back({service + "WaitOperation", {"POST", one + ":wait", "*"}});
}

}  // namespace

std::vector<MixinRule> MixinRules() {
  std::vector<MixinRule> rules;
  for (const std::string version : {"v1", "v1beta1"}) {
    std::string parent = "projects/*/locations/*";
    for (int collections = 0; collections <= kCollectionsMax; ++collections) {
      AddOperationRules(version, parent, rules);
      parent += "/*/*";
    }
  }
  // The rules of v1 stand in the proto.
  const std::string service = "google.cloud.location.Locations/";
  const std::string prefix = "/v1beta1/{name=projects/*";
  rules.push_back({service + "GetLocation", {"GET", prefix + "/locations/*}"}});
  rules.push_back({service + "ListLocations", {"GET", prefix + "}/locations"}});
  return rules;
}

}  // namespace trainyard::edge
