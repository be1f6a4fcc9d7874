// Amounts and names as a person reads them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace trainyard::sched {

// 1500 -> "1.5". Below zero reads "0".
std::string CpuText(int64_t cpu_milli);

// 16106127360 -> "15 GiB", 1048576 -> "1 MiB". Below zero reads "0 GiB".
std::string MemoryText(int64_t bytes);

// The last segment of a resource name.
std::string ShortName(absl::string_view name);

// "17", "17 and 18", "17, 18 and 19", "17, 18, 19 and 4 more".
std::string NamesText(const std::vector<std::string>& names);

}  // namespace trainyard::sched
