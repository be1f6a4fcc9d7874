// The parts of ValidateCustomJob, one a file.
#pragma once

#include "model/custom_job.h"
#include "model/field_errors.h"

namespace trainyard::model {

// The pools, each and together.
void CheckWorkerPools(const CustomJobSpec& spec, const ValidationContext& context,
                      const FieldScope& scope);

// A machine's type, accelerators, topology, reservation.
void CheckMachine(const google::cloud::aiplatform::v1::MachineSpec& machine,
                  const ValidationContext& context, const FieldScope& scope);

// Retries, timeout, provisioning strategy and what it asks of the pools.
void CheckScheduling(const CustomJobSpec& spec, const ValidationContext& context,
                     const FieldScope& scope);

// Network, VPC interface, reserved ranges.
void CheckNetwork(const CustomJobSpec& spec, const FieldScope& scope);

// A pool that skips its slot.
bool IsEmptyPool(const google::cloud::aiplatform::v1::WorkerPoolSpec& pool);

}  // namespace trainyard::model
