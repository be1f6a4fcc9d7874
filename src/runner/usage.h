// What a job's cgroups say about it, read after its end and before their removal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/disk.h"

namespace trainyard::runner {

struct Usage {
  bool out_of_memory = false;  // the kernel killed something of it for want of memory
  uint64_t memory_peak_bytes = 0;
  uint64_t cpu_us = 0;
};

// Understands both versions: takes what it finds in `directories`, one per controller.
Usage ReadUsage(base::Disk& disk, const std::vector<std::string>& directories);

}  // namespace trainyard::runner
