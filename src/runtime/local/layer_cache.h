// Content-addressed directories, made once and shared by every server of this machine.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/disk.h"

namespace trainyard::runtime {

// CACHE/layers/<key>: complete layers. CACHE/building/<key>: one being made. CACHE/locks/<key>:
// held by its maker. Threads: any; processes: any.
class LayerCache {
 public:
  LayerCache(base::Disk& disk, std::string directory)
      : disk_(disk), directory_(std::move(directory)) {}

  // The directory of `key`; NOT_FOUND when it is not complete.
  absl::StatusOr<std::string> Find(const std::string& key);
  // Finds it, or calls `make` on an empty directory and keeps the result. Waits while another
  // process makes it.
  absl::StatusOr<std::string> Ensure(const std::string& key,
                                     const std::function<absl::Status(const std::string&)>& make);

 private:
  base::Disk& disk_;
  const std::string directory_;
};

// "name-" and the first 16 hexadecimal digits of the SHA-256 of `content`.
std::string LayerKey(absl::string_view name, absl::string_view content);

// Adds `base` to the owner and group of everything below `directory`, links not followed, set-id
// bits kept.
absl::Status ShiftOwners(const std::string& directory, uid_t base);

// Unpacks a tar file below `directory` with owners shifted by `base`; device nodes are left out.
absl::Status UnpackShifted(const std::string& tar_path, const std::string& directory, uid_t base);

}  // namespace trainyard::runtime
