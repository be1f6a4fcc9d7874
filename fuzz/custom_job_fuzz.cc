// Any bytes as a CustomJob: judged without a crash; and what is valid and supported can be given
// its defaults, its environment and its cluster, all of a size that a process can be started with.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/log.h"
#include "model/custom_job.h"

namespace {

using trainyard::model::CustomJob;

constexpr size_t kVariableBytesMax = 128 << 10;

const trainyard::model::MachineCatalog& Machines() {
  static const auto& machines = *new trainyard::model::MachineCatalog();
  return machines;
}

void UseValidJob(CustomJob job) {
  trainyard::model::FillDefaults(job);
  CustomJob again = job;
  trainyard::model::FillDefaults(again);
  CHECK(again.ByteSizeLong() == job.ByteSizeLong());
  CHECK(trainyard::model::ValidateCustomJob(job, {&Machines(), {"p", "us-central1"}}).empty());
  trainyard::model::FieldsWithoutEffect(job);
  CHECK(trainyard::model::TimeoutOf(job.job_spec()) > absl::ZeroDuration());
  trainyard::model::ReplicaEnvironment replica{"1", "p", "us-central1", "0123456789", 0, 0};
  for (const auto& [name, value] : trainyard::model::EnvironmentOf(job.job_spec(), replica)) {
    CHECK(value.size() <= kVariableBytesMax);
    CHECK(value.find('\0') == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CustomJob job;
  if (!job.ParseFromArray(data, static_cast<int>(size))) return 0;
  trainyard::model::ClearOutputFields(job);
  auto errors = trainyard::model::ValidateCustomJob(job, {&Machines(), {"p", "us-central1"}});
  absl::Status status = trainyard::model::ErrorOfFields(errors);
  CHECK(status.ok() == errors.empty());
  CHECK(status.message().size() < 8192);
  if (!errors.empty() || !trainyard::model::CheckSupported(job, Machines()).ok()) return 0;
  UseValidJob(std::move(job));
  return 0;
}
