#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "model/field_errors.h"
#include "model/field_format.h"
#include "model/validate_parts.h"

namespace trainyard::model {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

// "2x4" for the v5e and v6e machines, "2x2x1" for the 7x.
bool IsTopologyOf(absl::string_view machine, absl::string_view topology) {
  if (absl::StartsWith(machine, "tpu7x-")) {
    std::vector<absl::string_view> sides = absl::StrSplit(topology, 'x');
    if (sides.size() != 3) return false;
    for (absl::string_view side : sides) {
      if (side != "1" && side != "2" && side != "4" && side != "8" && side != "16") return false;
    }
    return true;
  }
  if (absl::EndsWith(machine, "-1t")) return topology == "1x1";
  if (absl::EndsWith(machine, "-8t")) return topology == "2x4";
  for (const char* known : {"2x2", "2x4", "4x4", "4x8", "8x8", "8x16", "16x16"}) {
    if (topology == known) return true;
  }
  return false;
}

// "1g.10gb": how NVIDIA names the slices of a GPU.
bool IsPartitionSize(absl::string_view text) {
  int slices = 0, gigabytes = 0;
  std::vector<absl::string_view> parts = absl::StrSplit(text, '.');
  return parts.size() == 2 && absl::ConsumeSuffix(&parts[0], "g") &&
         absl::ConsumeSuffix(&parts[1], "gb") && absl::SimpleAtoi(parts[0], &slices) &&
         absl::SimpleAtoi(parts[1], &gigabytes) && slices >= 1 && slices <= 7 && gigabytes >= 1;
}

void CheckAccelerators(const v1::MachineSpec& machine, const MachineType& type,
                       const ValidationContext& context, const FieldScope& scope) {
  bool has_type = machine.accelerator_type() != v1::ACCELERATOR_TYPE_UNSPECIFIED;
  int count = machine.accelerator_count();
  if (has_type != (count != 0)) {
    scope.Add("accelerator_type",
              "accelerator_type and accelerator_count must both be set, or neither.");
  } else if (!v1::AcceleratorType_IsValid(machine.accelerator_type())) {
    scope.Add("accelerator_type",
              absl::StrCat("There is no accelerator type ", machine.accelerator_type(), "."));
  } else if (has_type) {
    std::string text = context.machines->CheckAccelerator(
        type.name, v1::AcceleratorType_Name(machine.accelerator_type()), count);
    scope.Expect(text.empty(), "accelerator_type", text);
  }
  if (!machine.gpu_partition_size().empty()) {
    scope.Expect(IsPartitionSize(machine.gpu_partition_size()), "gpu_partition_size",
                 "Must be the name of a GPU slice, such as 1g.10gb.");
    scope.Expect(count == 1, "accelerator_count", "Must be 1 when gpu_partition_size is set.");
  }
}

void CheckTopology(const v1::MachineSpec& machine, const MachineType& type,
                   const FieldScope& scope) {
  const std::string& topology = machine.tpu_topology();
  bool by_topology = type.tpu && type.name != "cloud-tpu";
  if (by_topology) {
    scope.Expect(IsTopologyOf(type.name, topology), "tpu_topology",
                 absl::StrCat(Quoted(topology), " is no topology of ", type.name, "."));
  } else if (!topology.empty()) {
    scope.Add("tpu_topology", absl::StrCat("Machine type ", type.name, " has no topology."));
  }
  if (type.name == "cloud-tpu" && machine.accelerator_count() == 0) {
    scope.Add("accelerator_type", "Machine type cloud-tpu needs TPU_V2 or TPU_V3 and a count.");
  }
  if (!topology.empty() && machine.accelerator_type() != v1::ACCELERATOR_TYPE_UNSPECIFIED) {
    scope.Add("accelerator_type", "Must not be set when tpu_topology is.");
  }
}

void CheckReservation(const v1::ReservationAffinity& affinity, const FieldScope& scope) {
  using Type = v1::ReservationAffinity;
  int type = affinity.reservation_affinity_type();
  scope.Expect(type != Type::TYPE_UNSPECIFIED && v1::ReservationAffinity_Type_IsValid(type),
               "reservation_affinity_type",
               "Must be NO_RESERVATION, ANY_RESERVATION or SPECIFIC_RESERVATION.");
  if (type == Type::SPECIFIC_RESERVATION) {
    scope.Expect(affinity.key() == "compute.googleapis.com/reservation-name", "key",
                 "Must be compute.googleapis.com/reservation-name for SPECIFIC_RESERVATION.");
    scope.Expect(affinity.values_size() > 0, "values",
                 "Must name a reservation for SPECIFIC_RESERVATION.");
  } else {
    scope.Expect(affinity.key().empty() && affinity.values_size() == 0, "key",
                 "key and values are for SPECIFIC_RESERVATION alone.");
  }
  for (int i = 0; i < affinity.values_size(); ++i) {
    scope.Expect(IsResourceName(affinity.values(i), "projects/*/zones/*/reservations/*"),
                 absl::StrCat("values[", i, "]"),
                 "Must be of the form projects/*/zones/*/reservations/*.");
  }
}

}  // namespace

void CheckMachine(const v1::MachineSpec& machine, const ValidationContext& context,
                  const FieldScope& scope) {
  const std::string& name = machine.machine_type();
  const MachineType* type = context.machines->Find(name);
  if (name.empty()) {
    scope.Add("machine_type", "Must be set.");
  } else if (type == nullptr) {
    absl::string_view shown = absl::string_view(name).substr(0, 60);
    scope.Add("machine_type", absl::StrCat("Machine type ", shown, " is not supported. ",
                                           context.machines->Suggest(name)));
  } else {
    CheckAccelerators(machine, *type, context, scope);
    CheckTopology(machine, *type, scope);
  }
  if (machine.has_reservation_affinity()) {
    CheckReservation(machine.reservation_affinity(), scope.Child("reservation_affinity"));
  }
}

}  // namespace trainyard::model
