// The catalogue of machine types: what a name asks of a machine.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace trainyard::model {

struct MachineType {
  std::string name;
  int64_t cpu_milli = 0;
  int64_t memory_bytes = 0;
  std::string accelerator_type;  // fixed with the machine, "NVIDIA_TESLA_A100"; empty: none
  int accelerator_count = 0;
  bool tpu = false;
  bool site = false;  // declared by this site's configuration
};

// Google's names (reference figures) and the site's own. Immutable after construction. Threads:
// any.
class MachineCatalog {
 public:
  explicit MachineCatalog(const std::vector<MachineType>& site_types = {});
  const MachineType* Find(absl::string_view name) const;
  // Whether `accelerator` x `count` may be attached to `machine`; the empty string when it may,
  // else why not.
  std::string CheckAccelerator(absl::string_view machine, absl::string_view accelerator,
                               int count) const;
  // What a message says to who asked for `name`, which is not here: the sizes of its family, else
  // the families.
  std::string Suggest(absl::string_view name) const;
  // All names, sorted; for messages.
  std::vector<std::string> Names() const;

 private:
  std::map<std::string, MachineType, std::less<>> types_;
};

}  // namespace trainyard::model
