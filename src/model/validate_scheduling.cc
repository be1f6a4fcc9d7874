#include <string>

#include "absl/strings/str_cat.h"
#include "model/field_errors.h"
#include "model/field_format.h"
#include "model/validate_parts.h"

namespace trainyard::model {
namespace {

namespace v1 = google::cloud::aiplatform::v1;

constexpr int64_t kFlexStartSecondsMax = 7 * 24 * 3600;

// The accelerators that FLEX_START provisions.
bool IsFlexStartAccelerator(absl::string_view type) {
  for (const char* known :
       {"NVIDIA_L4", "NVIDIA_TESLA_A100", "NVIDIA_A100_80GB", "NVIDIA_H100_80GB",
        "NVIDIA_H100_MEGA_80GB", "NVIDIA_H200_141GB", "NVIDIA_B200"}) {
    if (type == known) return true;
  }
  return false;
}

std::string AcceleratorOf(const v1::MachineSpec& machine, const ValidationContext& context) {
  if (machine.accelerator_type() != v1::ACCELERATOR_TYPE_UNSPECIFIED) {
    return v1::AcceleratorType_Name(machine.accelerator_type());
  }
  const MachineType* type = context.machines->Find(machine.machine_type());
  return type == nullptr ? "" : type->accelerator_type;
}

void CheckFlexStart(const CustomJobSpec& spec, const ValidationContext& context,
                    const FieldScope& scope) {
  FieldScope scheduling = scope.Child("scheduling");
  const auto& timeout = spec.scheduling().timeout();
  scheduling.Expect(timeout.seconds() < kFlexStartSecondsMax ||
                        (timeout.seconds() == kFlexStartSecondsMax && timeout.nanos() == 0),
                    "timeout", "Must be at most 7 days with strategy FLEX_START.");
  scope.Expect(spec.persistent_resource_id().empty(), "persistent_resource_id",
               "Must not be set with strategy FLEX_START.");
  std::string first;
  for (int i = 0; i < spec.worker_pool_specs_size(); ++i) {
    const v1::WorkerPoolSpec& pool = spec.worker_pool_specs(i);
    if (IsEmptyPool(pool)) continue;
    FieldScope machine = scope.Child("worker_pool_specs", i).Child("machine_spec");
    machine.Expect(IsFlexStartAccelerator(AcceleratorOf(pool.machine_spec(), context)),
                   "accelerator_type",
                   "Strategy FLEX_START needs L4, A100, H100, H200 or B200 GPUs.");
    machine.Expect(pool.machine_spec().reservation_affinity().reservation_affinity_type() <=
                       v1::ReservationAffinity::NO_RESERVATION,
                   "reservation_affinity", "Must not be set with strategy FLEX_START.");
    std::string serialized = pool.machine_spec().SerializeAsString();
    if (first.empty()) first = serialized;
    machine.Expect(serialized == first, "",
                   "Must be the same in all pools with strategy FLEX_START.");
  }
}

}  // namespace

void CheckScheduling(const CustomJobSpec& spec, const ValidationContext& context,
                     const FieldScope& scope) {
  if (!spec.has_scheduling()) return;
  const v1::Scheduling& scheduling = spec.scheduling();
  FieldScope here = scope.Child("scheduling");
  here.Expect(IsDuration(scheduling.timeout()), "timeout", "Must not be negative.");
  here.Expect(IsDuration(scheduling.max_wait_duration()), "max_wait_duration",
              "Must not be negative.");
  if (!v1::Scheduling_Strategy_IsValid(scheduling.strategy())) {
    here.Add("strategy", absl::StrCat("There is no strategy ", scheduling.strategy(), "."));
  }
  if (scheduling.strategy() == v1::Scheduling::FLEX_START) CheckFlexStart(spec, context, scope);
}

void CheckNetwork(const CustomJobSpec& spec, const FieldScope& scope) {
  const std::string& network = spec.network();
  scope.Expect(network.empty() || IsResourceName(network, "projects/#/global/networks/*"),
               "network",
               "Must be of the form projects/{number}/global/networks/{name}, with the project's "
               "number.");
  for (int i = 0; i < spec.reserved_ip_ranges_size(); ++i) {
    scope.Expect(IsDnsLabel(spec.reserved_ip_ranges(i)),
                 absl::StrCat("reserved_ip_ranges[", i, "]"),
                 "Must be the name of a reserved range.");
  }
  scope.Expect(spec.reserved_ip_ranges_size() == 0 || !network.empty(), "reserved_ip_ranges",
               "Needs network.");
  if (!spec.has_psc_interface_config()) return;
  scope.Expect(network.empty(), "psc_interface_config", "Must not be set together with network.");
  const v1::PscInterfaceConfig& config = spec.psc_interface_config();
  FieldScope here = scope.Child("psc_interface_config");
  const std::string& attachment = config.network_attachment();
  here.Expect(attachment.empty() || IsDnsLabel(attachment) ||
                  IsResourceName(attachment, "projects/*/regions/*/networkAttachments/*"),
              "network_attachment",
              "Must be of the form projects/*/regions/*/networkAttachments/*.");
  for (int i = 0; i < config.dns_peering_configs_size(); ++i) {
    const v1::DnsPeeringConfig& peering = config.dns_peering_configs(i);
    FieldScope entry = here.Child("dns_peering_configs", i);
    entry.Expect(peering.domain().size() > 1 && peering.domain().back() == '.', "domain",
                 "Must be a DNS name that ends with a dot.");
    entry.Expect(!peering.target_project().empty(), "target_project", "Must be set.");
    entry.Expect(!peering.target_network().empty(), "target_network", "Must be set.");
  }
}

}  // namespace trainyard::model
