// HTTP rules that Google's protos do not carry: those of the mixed-in services (long-running
// operations, locations), which stand in each product's service configuration instead.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "edge/http_binding.h"

namespace trainyard::edge {

struct MixinRule {
  std::string method;  // "google.longrunning.Operations/GetOperation"
  HttpRuleText rule;
};

// For /v1 and /v1beta1. Operations are found below a location and below any collection in it, up to
// four collections deep (tensorboards/*/experiments/*/runs/*/timeSeries/*).
std::vector<MixinRule> MixinRules();

}  // namespace trainyard::edge
