#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "model/custom_job.h"

namespace trainyard::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kGood[] = R"pb(
  display_name: "digits"
  job_spec {
    worker_pool_specs {
      machine_spec { machine_type: "n1-standard-4" }
      replica_count: 1
      container_spec { image_uri: "python:3.11" }
    }
  }
)pb";

constexpr char kPackage[] = R"pb(
  display_name: "digits"
  job_spec {
    worker_pool_specs {
      machine_spec { machine_type: "n1-standard-4" }
      python_package_spec {
        executor_image_uri: "us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest"
        package_uris: "gs://bucket/aiplatform-2026-01-02-03:04:05.678-x-0.1.tar.gz"
        python_module: "aiplatform_custom_trainer_script.task"
      }
    }
  }
)pb";

constexpr char kTpu[] = R"pb(
  display_name: "tpu"
  job_spec {
    worker_pool_specs {
      machine_spec { machine_type: "ct5lp-hightpu-4t" tpu_topology: "2x2" }
      container_spec { image_uri: "x" }
    }
  }
)pb";

CustomJob Parsed(const char* text) {
  CustomJob job;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &job));
  return job;
}

// Merges `change` (text format; repeated fields append) into `base`.
CustomJob Changed(const char* base, const std::string& change) {
  CustomJob job = Parsed(base);
  EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(change, &job)) << change;
  return job;
}

std::vector<std::string> ErrorsOf(const CustomJob& job) {
  MachineCatalog machines;
  ValidationContext context{&machines, {"p", "us-central1"}};
  std::vector<std::string> errors;
  for (const FieldError& error : ValidateCustomJob(job, context)) {
    errors.push_back(absl::StrCat(error.field, ": ", error.message));
  }
  return errors;
}

// Edits the only pool.
CustomJob WithPool(
    const char* base,
    const std::function<void(google::cloud::aiplatform::v1::WorkerPoolSpec&)>& edit) {
  CustomJob job = Parsed(base);
  edit(*job.mutable_job_spec()->mutable_worker_pool_specs(0));
  return job;
}

TEST(ValidateTest, GoodJobs) {
  for (const char* base : {kGood, kPackage, kTpu}) {
    EXPECT_THAT(ErrorsOf(Parsed(base)), ElementsAre()) << base;
  }
  for (const char* change : {
           R"pb(labels { key: "team" value: "a-b_1" }
                labels { key: "k" value: "" })pb",
           R"pb(job_spec { base_output_directory { output_uri_prefix: "gs://bucket//x" } })pb",
           R"pb(job_spec {
                  worker_pool_specs {}
                  worker_pool_specs {}
                  worker_pool_specs {}
                })pb",
           R"pb(job_spec {
                  scheduling {
                    timeout { seconds: 0 }
                    strategy: SPOT
                  }
                })pb",
           R"pb(job_spec { network: "projects/12/global/networks/vpc" reserved_ip_ranges: "r" })pb",
           R"pb(job_spec { persistent_resource_id: "my-resource" })pb",
           R"pb(job_spec {
                  service_account: "a@b.iam.gserviceaccount.com"
                  models: "projects/p/locations/l/models/m@2"
                })pb",
           R"pb(job_spec {
                  psc_interface_config {
                    network_attachment: "projects/p/regions/r/networkAttachments/a"
                    dns_peering_configs { domain: "corp." target_project: "p" target_network: "n" }
                  }
                })pb",
           R"pb(encryption_spec {
                  kms_key_name: "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k"
                })pb",
       }) {
    EXPECT_THAT(ErrorsOf(Changed(kGood, change)), ElementsAre()) << change;
  }
}

TEST(ValidateTest, AnEmptyRequestNamesAllThatIsMissing) {
  EXPECT_THAT(ErrorsOf(CustomJob()),
              ElementsAre("display_name: Must have 1 to 128 characters.",
                          "job_spec.worker_pool_specs: Must have 1 to 4 worker pools; it has 0."));
}

TEST(ValidateTest, AllProblemsAtOnceInFieldOrder) {
  CustomJob job = Changed(kGood, R"pb(
    display_name: ""
    job_spec {
      network: "vpc"
      scheduling { timeout { seconds: -1 } }
    }
    labels { key: "Upper" value: "v" })pb");
  job.mutable_job_spec()->mutable_worker_pool_specs(0)->mutable_machine_spec()->set_machine_type(
      "n1-standard-5");
  std::vector<std::string> errors = ErrorsOf(job);
  ASSERT_EQ(errors.size(), 5u) << absl::StrJoin(errors, "\n");
  EXPECT_THAT(errors[0], HasSubstr("display_name"));
  EXPECT_THAT(errors[1],
              HasSubstr("job_spec.worker_pool_specs[0].machine_spec.machine_type: Machine type "
                        "n1-standard-5 is not supported. Of this family there are n1-standard-4"));
  EXPECT_THAT(errors[2], HasSubstr("job_spec.scheduling.timeout: Must not be negative."));
  EXPECT_THAT(errors[3], HasSubstr("job_spec.network"));
  EXPECT_THAT(errors[4], HasSubstr("labels: Key \"Upper\""));
}

// A change to a good job, and part of each error that it gives.
struct Case {
  const char* base;
  std::string change;
  std::vector<std::string> errors;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    std::vector<std::string> errors = ErrorsOf(Changed(c.base, c.change));
    std::string all = absl::StrJoin(errors, "\n");
    EXPECT_EQ(errors.size(), c.errors.size()) << c.change << "\n" << all;
    for (const std::string& error : c.errors) EXPECT_THAT(all, HasSubstr(error)) << c.change;
  }
}

TEST(ValidateTest, TopLevel) {
  std::string labels;
  for (int i = 0; i < 65; ++i) absl::StrAppend(&labels, "labels { key: 'k", i, "' value: 'v' } ");
  Check({
      {kGood, absl::StrCat("display_name: '", std::string(129, 'x'), "'"), {"display_name: "}},
      {kGood, labels, {"labels: At most 64 labels are allowed; there are 65."}},
      {kGood, "labels { key: '1a' value: 'B' }", {"Key \"1a\"", "Value \"B\" of key \"1a\""}},
      {kGood,
       "labels { key: 'aiplatform.googleapis.com/x' value: 'v' }",
       {"is reserved for the service"}},
      {kGood, "encryption_spec {}", {"encryption_spec.kms_key_name: Must be set."}},
      {kGood,
       "encryption_spec { kms_key_name: 'k' }",
       {"Must be of the form projects/*/locations/*/keyRings/*/cryptoKeys/*."}},
      {kGood,
       "encryption_spec { kms_key_name: 'projects/p/locations/global/keyRings/r/cryptoKeys/k' }",
       {"Must be in the job's location, us-central1."}},
  });
}

TEST(ValidateTest, Spec) {
  Check({
      {kGood, "job_spec { persistent_resource_id: 'A' }", {"job_spec.persistent_resource_id: "}},
      {kGood, "job_spec { service_account: 'x' }", {"job_spec.service_account: "}},
      {kGood, "job_spec { network: 'projects/p/global/networks/n' }", {"job_spec.network: "}},
      {kGood, "job_spec { reserved_ip_ranges: 'r' }", {"reserved_ip_ranges: Needs network."}},
      {kGood,
       "job_spec { network: 'projects/1/global/networks/n' psc_interface_config {} }",
       {"psc_interface_config: Must not be set together with network."}},
      {kGood,
       "job_spec { psc_interface_config { network_attachment: 'A/b' dns_peering_configs { domain: "
       "'x' } } }",
       {"network_attachment", "domain", "target_project", "target_network"}},
      {kGood, "job_spec { base_output_directory {} }", {"output_uri_prefix: Must be a Cloud"}},
      {kGood,
       "job_spec { base_output_directory { output_uri_prefix: '/gcs/b' } }",
       {"job_spec.base_output_directory.output_uri_prefix: "}},
      {kGood,
       "job_spec { protected_artifact_location_id: 'us-central1' }",
       {"protected_artifact_location_id: Must be a location other"}},
      {kGood,
       "job_spec { tensorboard: 'projects/p/locations/us-central1/tensorboards/1' }",
       {"service_account: Must be set when tensorboard", "base_output_directory: Must be set"}},
      {kGood,
       "job_spec { tensorboard: 'projects/p/locations/us-east1/tensorboards/1' service_account: "
       "'a@b.c' base_output_directory { output_uri_prefix: 'gs://bucket' } }",
       {"tensorboard: Must be in the job's location"}},
      {kGood,
       "job_spec { experiment_run: "
       "'projects/p/locations/us-central1/metadataStores/default/contexts/e-r' }",
       {"experiment_run: Needs experiment."}},
      {kGood,
       "job_spec { experiment: 'e' }",
       {"experiment: Must be of the form", "service_account: Must be set when experiment"}},
      {kGood, "job_spec { models: 'm' }", {"job_spec.models[0]: "}},
      {kGood, "job_spec { scheduling { max_wait_duration { nanos: -1 } } }", {"max_wait_duration"}},
  });
}

TEST(ValidateTest, SchedulingStrategies) {
  CustomJob job = Parsed(kGood);
  job.mutable_job_spec()->mutable_scheduling()->set_strategy(
      static_cast<google::cloud::aiplatform::v1::Scheduling_Strategy>(5));
  EXPECT_THAT(ErrorsOf(job), ElementsAre("job_spec.scheduling.strategy: There is no strategy 5."));
  const char flex[] = R"pb(
    display_name: "flex"
    job_spec {
      worker_pool_specs {
        machine_spec {
          machine_type: "a2-highgpu-1g"
          accelerator_type: NVIDIA_TESLA_A100
          accelerator_count: 1
        }
        container_spec { image_uri: "x" }
      }
      scheduling { strategy: FLEX_START }
    })pb";
  EXPECT_THAT(ErrorsOf(Parsed(flex)), ElementsAre());
  Check({
      {kGood, "job_spec { scheduling { strategy: FLEX_START } }", {"needs L4, A100"}},
      {flex, "job_spec { scheduling { timeout { seconds: 604800 } } }", {}},
      {flex, "job_spec { scheduling { timeout { seconds: 604801 } } }", {"at most 7 days"}},
      {flex, "job_spec { persistent_resource_id: 'r' }", {"persistent_resource_id: Must not"}},
      {flex,
       "job_spec { worker_pool_specs { machine_spec { machine_type: 'g2-standard-4' } "
       "replica_count: 1 container_spec { image_uri: 'x' } } }",
       {"worker_pool_specs[1].machine_spec: Must be the same in all pools"}},
  });
}

TEST(ValidateTest, Pools) {
  const std::string pool =
      "worker_pool_specs { machine_spec { machine_type: 'n1-standard-4' } replica_count: 1 "
      "container_spec { image_uri: 'x' } } ";
  Check({
      {kGood, absl::StrCat("job_spec { ", pool, pool, pool, "}"), {}},
      {kGood,
       absl::StrCat("job_spec { ", pool, pool, pool, pool, "}"),
       {"Must have 1 to 4 worker pools; it has 5."}},
      {kGood,
       "job_spec { worker_pool_specs { machine_spec { machine_type: 'n1-standard-4' } } }",
       {"worker_pool_specs[1]: Exactly one of", "[1].replica_count: Must be at least 1"}},
      {kTpu, absl::StrCat("job_spec { ", pool, "}"), {"A job on TPUs must have exactly one"}},
  });
  CustomJob first_empty = Parsed(kGood);
  first_empty.mutable_job_spec()->mutable_worker_pool_specs(0)->Clear();
  EXPECT_THAT(ErrorsOf(first_empty),
              ElementsAre("job_spec.worker_pool_specs[0]: The first worker pool must not be "
                          "empty."));
}

// A change to the only pool of a good job, and part of each error that it gives.
struct PoolCase {
  const char* base;
  std::string change;
  std::vector<std::string> errors;
};

const std::vector<PoolCase>& PoolCases() {
  static const auto& cases = *new std::vector<PoolCase>{
      {kGood, "replica_count: 2", {"replica_count: Must be 1 in the first pool; it is 2."}},
      {kGood, "replica_count: -1", {"replica_count"}},
      {kGood, "replica_count: 0", {}},
      {kGood, "container_spec { image_uri: '' }", {"container_spec.image_uri"}},
      {kGood, "container_spec { image_uri: 'a b' }", {"container_spec.image_uri"}},
      {kGood, "machine_spec { machine_type: '' }", {"machine_type: Must be set."}},
      {kGood,
       "machine_spec { accelerator_type: NVIDIA_TESLA_T4 }",
       {"machine_spec.accelerator_type: accelerator_type and accelerator_count must both be set, "
        "or neither."}},
      {kGood, "machine_spec { accelerator_count: 1 }", {"must both be set, or neither"}},
      {kGood,
       "machine_spec { accelerator_type: NVIDIA_L4 accelerator_count: 1 }",
       {"Accelerator \"NVIDIA_L4\" is not supported for machine type \"n1-standard-4\""}},
      {kGood,
       "machine_spec { accelerator_type: NVIDIA_TESLA_T4 accelerator_count: 2 gpu_partition_size: "
       "'x' }",
       {"gpu_partition_size: Must be", "accelerator_count: Must be 1"}},
      {kGood, "machine_spec { tpu_topology: '2x2' }", {"has no topology"}},
      {kTpu, "machine_spec { tpu_topology: '3x3' }", {"is no topology of ct5lp-hightpu-4t"}},
      {kTpu, "machine_spec { machine_type: 'ct5lp-hightpu-1t' }", {"is no topology of"}},
      {kTpu, "machine_spec { machine_type: 'tpu7x-standard-4t' tpu_topology: '2x2x4' }", {}},
      {kTpu,
       "machine_spec { accelerator_type: TPU_V3 accelerator_count: 8 }",
       {"is not supported for machine type", "Must not be set when tpu_topology is"}},
      {kTpu,
       "machine_spec { machine_type: 'cloud-tpu' tpu_topology: '' }",
       {"needs TPU_V2 or TPU_V3"}},
      {kTpu, "replica_count: 2", {"replica_count", "A job on TPUs"}},
      {kGood,
       "machine_spec { reservation_affinity {} }",
       {"reservation_affinity.reservation_affinity_type"}},
      {kGood,
       "machine_spec { reservation_affinity { reservation_affinity_type: SPECIFIC_RESERVATION } }",
       {"reservation_affinity.key", "reservation_affinity.values: Must name"}},
      {kGood,
       "machine_spec { reservation_affinity { reservation_affinity_type: ANY_RESERVATION values: "
       "'r' } }",
       {"SPECIFIC_RESERVATION alone", "values[0]: Must be of the form"}},
      {kGood, "disk_spec { boot_disk_type: 'x' boot_disk_size_gb: 99 }", {"type", "100 to 64000"}},
      {kGood, "disk_spec { boot_disk_size_gb: 64001 }", {"boot_disk_size_gb"}},
      {kGood, "disk_spec { boot_disk_size_gb: 64000 boot_disk_type: 'pd-standard' }", {}},
      {kGood,
       "nfs_mounts { server: 'host' path: 'x' mount_point: '/a' }",
       {"server", "nfs_mounts[0].path", "mount_point", "Needs job_spec.network"}},
      {kGood,
       "lustre_mounts {}",
       {"instance_ip", "volume_handle", "filesystem", "lustre_mounts[0].mount_point"}},
      {kGood,
       "container_spec { env { name: '1' value: '' } env { name: 'A' } env { name: 'A' } }",
       {"env[0].name: Must be a C identifier", "env: Names of variables must be unique"}},
      {kGood, "container_spec { env { name: 'A' value: 'x\\000' } }", {"env[0].value"}},
      {kGood, "container_spec { args: 'x\\000' }", {"args: Must hold no NUL"}},
      {kPackage, "python_package_spec { executor_image_uri: 'python:3' }", {"use container_spec"}},
      {kPackage, "python_package_spec { package_uris: 'gs://bucket' }", {"package_uris[1]"}},
      {kPackage, "python_package_spec { python_module: 'a/b' }", {"python_module"}},
  };
  return cases;
}

TEST(ValidateTest, OnePool) {
  for (const PoolCase& c : PoolCases()) {
    CustomJob job = WithPool(c.base, [&](auto& pool) {
      EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(c.change, &pool)) << c.change;
    });
    // Merging cannot empty a field: do it by hand.
    for (const char* empty : {"image_uri: ''", "machine_type: ''", "tpu_topology: ''"}) {
      if (c.change.find(empty) == std::string::npos) continue;
      auto* pool = job.mutable_job_spec()->mutable_worker_pool_specs(0);
      if (empty[0] == 'i') pool->mutable_container_spec()->clear_image_uri();
      if (empty[0] == 'm') pool->mutable_machine_spec()->clear_machine_type();
      if (empty[0] == 't') pool->mutable_machine_spec()->clear_tpu_topology();
    }
    std::vector<std::string> errors = ErrorsOf(job);
    std::string all = absl::StrJoin(errors, "\n");
    EXPECT_EQ(errors.size(), c.errors.size()) << c.change << "\n" << all;
    for (const std::string& error : c.errors) EXPECT_THAT(all, HasSubstr(error)) << c.change;
  }
}

TEST(ValidateTest, LimitsOfLists) {
  CustomJob job = WithPool(kPackage, [](auto& pool) {
    auto& spec = *pool.mutable_python_package_spec();
    for (int i = 0; i < 100; ++i) spec.add_package_uris("gs://bucket/x");
    for (int i = 0; i < 101; ++i) spec.add_env()->set_name(absl::StrCat("V", i));
    spec.add_args(std::string(60'000, 'x'));
    spec.add_args(std::string(40'001, 'x'));
  });
  std::string all = absl::StrJoin(ErrorsOf(job), "\n");
  EXPECT_THAT(all, HasSubstr("package_uris: Must have 1 to 100 entries; it has 101."));
  EXPECT_THAT(all, HasSubstr("env: At most 100 variables are allowed; there are 101."));
  EXPECT_THAT(all, HasSubstr("args: All arguments together must have at most 100000 characters"));
  CustomJob limit = WithPool(kGood, [](auto& pool) {
    auto& spec = *pool.mutable_container_spec();
    for (int i = 0; i < 100; ++i) spec.add_env()->set_name(absl::StrCat("V", i));
    for (int i = 0; i < 50'000; ++i) spec.add_args("\xC3\xA9");
    spec.add_command(std::string(50'000, 'x'));
  });
  EXPECT_THAT(ErrorsOf(limit), ElementsAre());
  CustomJob wide = WithPool(kGood, [](auto& pool) {
    std::string argument;
    for (int i = 0; i < 70'000; ++i) argument += "\xC3\xA9";
    pool.mutable_container_spec()->add_args(argument);
  });
  EXPECT_THAT(absl::StrJoin(ErrorsOf(wide), "\n"), HasSubstr("One argument must have at most"));
  CustomJob large = WithPool(kGood, [](auto& pool) {
    for (int i = 0; i < 10; ++i) {
      auto* variable = pool.mutable_container_spec()->add_env();
      variable->set_name(absl::StrCat("V", i));
      variable->set_value(std::string(120 << 10, 'x'));
    }
  });
  EXPECT_THAT(absl::StrJoin(ErrorsOf(large), "\n"), HasSubstr("All variables together"));
}

TEST(ErrorOfFieldsTest, VertexForm) {
  EXPECT_TRUE(ErrorOfFields({}).ok());
  absl::Status status = ErrorOfFields({{"a", "x."}, {"b[0].c", "y."}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "List of found errors:\t1.Field: a; Message: x.\t2.Field: b[0].c; Message: y.\t");
  auto payload = status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  ASSERT_TRUE(payload.has_value());
  google::rpc::BadRequest details;
  ASSERT_TRUE(details.ParseFromString(std::string(*payload)));
  ASSERT_EQ(details.field_violations_size(), 2);
  EXPECT_EQ(details.field_violations(1).field(), "b[0].c");
  EXPECT_EQ(details.field_violations(1).description(), "y.");
}

TEST(ErrorOfFieldsTest, AThousandErrorsFitIntoATrailer) {
  std::vector<FieldError> errors(1000, {"some.field.of.the.job", "Must be something else."});
  absl::Status status = ErrorOfFields(errors);
  EXPECT_LT(status.message().size(), 2200u);
  EXPECT_THAT(std::string(status.message()), HasSubstr("more\t"));
}

TEST(CheckSupportedTest, Table) {
  const Case cases[] = {
      {kGood, "", {}},
      {kPackage, "", {}},
      {kGood, "job_spec { worker_pool_specs {} }", {}},
      {kGood,
       "job_spec { worker_pool_specs { replica_count: 3 } }",
       {"job_spec.worker_pool_specs: This server runs jobs of one replica; this one asks for 4."}},
      {kTpu, "", {"worker_pool_specs[0].machine_spec.machine_type: This server has no TPUs"}},
      {kGood, "job_spec { persistent_resource_id: 'r' }", {"no persistent resources"}},
      {kGood, "job_spec { tensorboard: 't' }", {"no TensorBoard service"}},
      {kGood, "job_spec { experiment: 'e' }", {"keeps no experiments"}},
      {kGood, "encryption_spec { kms_key_name: 'k' }", {"customer-managed keys"}},
  };
  MachineCatalog machines;
  for (const Case& c : cases) {
    absl::Status status = CheckSupported(Changed(c.base, c.change), machines);
    EXPECT_EQ(status.code(),
              c.errors.empty() ? absl::StatusCode::kOk : absl::StatusCode::kUnimplemented);
    for (const std::string& error : c.errors) {
      EXPECT_THAT(std::string(status.message()), HasSubstr(error));
    }
  }
  struct PoolChange {
    const char* change;
    const char* error;
  };
  for (const PoolChange& c :
       {PoolChange{"machine_spec { accelerator_type: NVIDIA_TESLA_T4 accelerator_count: 1 }",
                   "machine_spec.accelerator_type: This server does not give GPUs"},
        PoolChange{"machine_spec { machine_type: 'g2-standard-4' }",
                   "machine_spec.machine_type: This server does not give GPUs"},
        PoolChange{"nfs_mounts {}", "mounts no NFS"},
        PoolChange{"lustre_mounts {}", "no Lustre"}}) {
    CustomJob job = WithPool(kGood, [&](auto& pool) {
      EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(c.change, &pool));
    });
    EXPECT_THAT(std::string(CheckSupported(job, machines).message()), HasSubstr(c.error));
  }
}

TEST(FieldsWithoutEffectTest, Table) {
  CustomJob plain = Parsed(kGood);
  FillDefaults(plain);
  EXPECT_THAT(FieldsWithoutEffect(plain), ElementsAre());
  CustomJob job = Changed(kGood, R"pb(
    job_spec {
      scheduling {
        strategy: SPOT
        max_wait_duration {}
      }
      network: "n"
      reserved_ip_ranges: "r"
      psc_interface_config {}
      protected_artifact_location_id: "l"
      enable_web_access: true
      enable_dashboard_access: true
      models: "m"
    })pb");
  auto* pool = job.mutable_job_spec()->mutable_worker_pool_specs(0);
  pool->mutable_disk_spec()->set_boot_disk_size_gb(200);
  pool->mutable_machine_spec()->mutable_reservation_affinity()->set_reservation_affinity_type(
      google::cloud::aiplatform::v1::ReservationAffinity::ANY_RESERVATION);
  FillDefaults(job);
  std::vector<std::string> notes = FieldsWithoutEffect(job);
  const char* fields[] = {"job_spec.worker_pool_specs[0].disk_spec",
                          "job_spec.worker_pool_specs[0].machine_spec.reservation_affinity",
                          "job_spec.scheduling.strategy",
                          "job_spec.scheduling.max_wait_duration",
                          "job_spec.network",
                          "job_spec.reserved_ip_ranges",
                          "job_spec.psc_interface_config",
                          "job_spec.protected_artifact_location_id",
                          "job_spec.enable_web_access",
                          "job_spec.enable_dashboard_access",
                          "job_spec.models"};
  ASSERT_EQ(notes.size(), std::size(fields)) << absl::StrJoin(notes, "\n");
  for (size_t i = 0; i < notes.size(); ++i) {
    EXPECT_THAT(notes[i], testing::StartsWith(absl::StrCat(fields[i], " has no effect here: ")));
  }
}

TEST(DefaultsTest, AreMadeExplicit) {
  CustomJob job = Changed(kPackage, R"pb(
    job_spec {
      worker_pool_specs {}
      scheduling { disable_retries: true restart_job_on_worker_restart: true }
      base_output_directory { output_uri_prefix: "gs://bucket//a" }
    })pb");
  FillDefaults(job);
  const auto& pool = job.job_spec().worker_pool_specs(0);
  EXPECT_EQ(pool.replica_count(), 1);
  EXPECT_EQ(pool.disk_spec().boot_disk_type(), "pd-ssd");
  EXPECT_EQ(pool.disk_spec().boot_disk_size_gb(), 100);
  EXPECT_EQ(job.job_spec().worker_pool_specs(1).ByteSizeLong(), 0u);
  EXPECT_FALSE(job.job_spec().scheduling().restart_job_on_worker_restart());
  EXPECT_EQ(job.job_spec().base_output_directory().output_uri_prefix(), "gs://bucket/a/");
  CustomJob again = job;
  FillDefaults(again);
  EXPECT_EQ(again.SerializeAsString(), job.SerializeAsString());
}

TEST(DefaultsTest, OutputFieldsAreCleared) {
  CustomJob job = Changed(kGood, R"pb(
    name: "n"
    state: JOB_STATE_SUCCEEDED
    create_time {}
    start_time {}
    end_time {}
    update_time {}
    error { code: 1 }
    web_access_uris { key: "k" value: "v" }
    satisfies_pzs: true
    satisfies_pzi: true)pb");
  ClearOutputFields(job);
  EXPECT_EQ(job.SerializeAsString(), Parsed(kGood).SerializeAsString());
}

TEST(DefaultsTest, Timeouts) {
  CustomJobSpec spec;
  EXPECT_EQ(TimeoutOf(spec), absl::Hours(168));
  spec.mutable_scheduling()->mutable_timeout()->set_nanos(5);
  EXPECT_EQ(TimeoutOf(spec), absl::Nanoseconds(5));
  spec.mutable_scheduling()->mutable_timeout()->Clear();
  EXPECT_EQ(TimeoutOf(spec), absl::Hours(168));
}

TEST(DefaultsTest, Needs) {
  MachineCatalog machines;
  auto need = NeedOf(Parsed(kGood).job_spec(), machines);
  EXPECT_EQ(need.cpu_milli(), 4000);
  EXPECT_EQ(need.memory_bytes(), int64_t{15} << 30);
  EXPECT_EQ(need.machine_type(), "n1-standard-4");
  EXPECT_EQ(NeedOf(CustomJobSpec(), machines).cpu_milli(), 0);
}

}  // namespace
}  // namespace trainyard::model
