// `trainyard prepare`: builds images ahead.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/process.h"
#include "bin/server_config.h"
#include "runtime/local/images.h"

namespace trainyard::bin {

// The images of this configuration; `disk` and `processes` outlive them.
std::unique_ptr<runtime::Images> ImagesOf(base::Disk& disk, base::Processes& processes,
                                          const ServerConfig& config);

// Returns the exit code.
int Prepare(const std::string& config_file, const std::vector<std::string>& images);

}  // namespace trainyard::bin
