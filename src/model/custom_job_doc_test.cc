// docs/custom-job.md and the code agree, as far as a machine can tell.
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "model/custom_job.h"

namespace trainyard::model {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// Field path -> the word in the second column.
std::map<std::string, std::string> ReadRows() {
  std::ifstream file(TRAINYARD_SOURCE_DIR "/docs/custom-job.md");
  std::map<std::string, std::string> rows;
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> cells = absl::StrSplit(line, " | ");
    absl::string_view field = cells[0];
    if (!absl::ConsumePrefix(&field, "| `") || !absl::ConsumeSuffix(&field, "`")) continue;
    EXPECT_TRUE(rows.emplace(std::string(field), cells[1]).second) << field << " appears twice";
  }
  return rows;
}

void CollectLeaves(const Descriptor& message, const std::string& prefix,
                   std::set<std::string>& leaves) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor* field = message.field(i);
    std::string path =
        absl::StrCat(prefix, field->name(), field->is_repeated() && !field->is_map() ? "[]" : "");
    bool nested = field->message_type() != nullptr && !field->is_map() &&
                  absl::StartsWith(field->message_type()->full_name(), "google.cloud.");
    if (nested) {
      CollectLeaves(*field->message_type(), path + ".", leaves);
    } else {
      leaves.insert(path);
    }
  }
}

TEST(CustomJobDocTest, HasEveryFieldAndNoOther) {
  std::set<std::string> leaves, documented;
  CollectLeaves(*CustomJob::descriptor(), "", leaves);
  for (const auto& [field, status] : ReadRows()) documented.insert(field);
  EXPECT_EQ(documented, leaves);
}

CustomJob Job(const std::string& change) {
  CustomJob job;
  const std::string text = absl::StrCat(
      "display_name: 'x' job_spec { worker_pool_specs { machine_spec { machine_type: "
      "'n1-standard-4' } } } ",
      change);
  EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(text, &job)) << text;
  return job;
}

// Text format that sets the field, and what else must be set for it to count.
std::string Setting(const std::string& path) {
  static const auto& whole = *new std::map<std::string, std::string>{
      {"job_spec.experiment_run", "job_spec { experiment: 'e' experiment_run: 'e-r' }"},
      {"job_spec.scheduling.strategy", "job_spec { scheduling { strategy: SPOT } }"},
      {"encryption_spec.kms_key_name", "encryption_spec { kms_key_name: 'k' }"}};
  if (whole.contains(path)) return whole.at(path);
  absl::string_view rest = path;
  if (absl::ConsumePrefix(&rest, "job_spec.worker_pool_specs[].")) return "";
  std::vector<std::string> parts = absl::StrSplit(path, '.');
  const Descriptor* message = CustomJob::descriptor();
  std::string open, close;
  for (const std::string& part : parts) {
    const FieldDescriptor* field =
        message->FindFieldByName(std::string(absl::StripSuffix(part, "[]")));
    if (field->message_type() == nullptr) {
      bool is_flag = field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
      return absl::StrCat(open, field->name(), is_flag ? ": true" : ": 'x'", close);
    }
    absl::StrAppend(&open, field->name(), " { ");
    absl::StrAppend(&close, " }");
    message = field->message_type();
  }
  return open + close;
}

TEST(CustomJobDocTest, NoEffectAndRefusedAreWhatTheCodeDoes) {
  MachineCatalog machines;
  int tried = 0;
  for (const auto& [field, status] : ReadRows()) {
    EXPECT_TRUE(status == "works" || status == "no effect" || status == "refused" ||
                status == "output")
        << field << ": " << status;
    std::string setting = Setting(field);
    if (setting.empty() || status == "output") continue;
    CustomJob job = Job(setting);
    FillDefaults(job);
    EXPECT_EQ(!FieldsWithoutEffect(job).empty(), status == "no effect") << setting;
    EXPECT_EQ(!CheckSupported(job, machines).ok(), status == "refused") << setting;
    ++tried;
  }
  EXPECT_GT(tried, 15);
}

// Text format that sets a field of a pool, and what else must be set for it to count.
const std::map<std::string, std::string>& PoolSettings() {
  static const auto& settings = *new std::map<std::string, std::string>{
      {"container_spec.image_uri", "container_spec { image_uri: 'x' }"},
      {"container_spec.command[]", "container_spec { command: 'x' }"},
      {"container_spec.args[]", "container_spec { args: 'x' }"},
      {"container_spec.env[].name", "container_spec { env { name: 'x' } }"},
      {"container_spec.env[].value", "container_spec { env { value: 'x' } }"},
      {"python_package_spec.executor_image_uri", "python_package_spec { executor_image_uri: 'x' }"},
      {"python_package_spec.package_uris[]", "python_package_spec { package_uris: 'x' }"},
      {"python_package_spec.python_module", "python_package_spec { python_module: 'x' }"},
      {"python_package_spec.args[]", "python_package_spec { args: 'x' }"},
      {"python_package_spec.env[].name", "python_package_spec { env { name: 'x' } }"},
      {"python_package_spec.env[].value", "python_package_spec { env { value: 'x' } }"},
      {"machine_spec.machine_type", "machine_spec { machine_type: 'e2-standard-4' }"},
      {"machine_spec.accelerator_type", "machine_spec { accelerator_type: NVIDIA_L4 }"},
      {"machine_spec.accelerator_count",
       "machine_spec { accelerator_type: NVIDIA_L4 accelerator_count: 1 }"},
      {"machine_spec.gpu_partition_size",
       "machine_spec { accelerator_type: NVIDIA_L4 gpu_partition_size: '1g.5gb' }"},
      {"machine_spec.tpu_topology",
       "machine_spec { machine_type: 'ct6e-standard-4t' tpu_topology: '2x2' }"},
      {"machine_spec.reservation_affinity.reservation_affinity_type",
       "machine_spec { reservation_affinity { reservation_affinity_type: ANY_RESERVATION } }"},
      {"machine_spec.reservation_affinity.key",
       "machine_spec { reservation_affinity { reservation_affinity_type: SPECIFIC_RESERVATION key: "
       "'x' } }"},
      {"machine_spec.reservation_affinity.values[]",
       "machine_spec { reservation_affinity { reservation_affinity_type: SPECIFIC_RESERVATION "
       "values: 'x' } }"},
      {"replica_count", "replica_count: 1"},
      {"nfs_mounts[].server", "nfs_mounts { server: 'x' }"},
      {"nfs_mounts[].path", "nfs_mounts { path: 'x' }"},
      {"nfs_mounts[].mount_point", "nfs_mounts { mount_point: 'x' }"},
      {"lustre_mounts[].instance_ip", "lustre_mounts { instance_ip: 'x' }"},
      {"lustre_mounts[].volume_handle", "lustre_mounts { volume_handle: 'x' }"},
      {"lustre_mounts[].filesystem", "lustre_mounts { filesystem: 'x' }"},
      {"lustre_mounts[].mount_point", "lustre_mounts { mount_point: 'x' }"},
      {"disk_spec.boot_disk_type", "disk_spec { boot_disk_type: 'pd-standard' }"},
      {"disk_spec.boot_disk_size_gb", "disk_spec { boot_disk_size_gb: 200 }"},
  };
  return settings;
}

// The same for a field of a pool.
TEST(CustomJobDocTest, PoolFields) {
  MachineCatalog machines;
  const std::map<std::string, std::string>& settings = PoolSettings();
  size_t documented = 0;
  for (const auto& [path, status] : ReadRows()) {
    absl::string_view field = path;
    if (!absl::ConsumePrefix(&field, "job_spec.worker_pool_specs[].")) continue;
    ++documented;
    auto setting = settings.find(std::string(field));
    ASSERT_NE(setting, settings.end()) << field;
    CustomJob job = Job("");
    ASSERT_TRUE(google::protobuf::TextFormat::MergeFromString(
        setting->second, job.mutable_job_spec()->mutable_worker_pool_specs(0)));
    FillDefaults(job);
    EXPECT_EQ(!FieldsWithoutEffect(job).empty(), status == "no effect") << field;
    EXPECT_EQ(!CheckSupported(job, machines).ok(), status == "refused") << field;
  }
  EXPECT_EQ(documented, settings.size());
}

}  // namespace
}  // namespace trainyard::model
