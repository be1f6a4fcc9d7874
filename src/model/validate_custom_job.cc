#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "model/custom_job.h"
#include "model/field_errors.h"
#include "model/field_format.h"
#include "model/validate_parts.h"

namespace trainyard::model {
namespace {

constexpr size_t kDisplayNameLengthMax = 128;
constexpr int kLabelsMax = 64;

// The location segment of a name that starts with "projects/*/locations/*".
absl::string_view LocationOf(absl::string_view name) {
  for (int i = 0; i < 3; ++i) name.remove_prefix(name.find('/') + 1);
  return name.substr(0, name.find('/'));
}

// A reference to a resource of this job's location.
void CheckReference(absl::string_view name, absl::string_view pattern, absl::string_view field,
                    const ValidationContext& context, const FieldScope& scope) {
  if (name.empty()) return;
  if (!IsResourceName(name, pattern)) {
    scope.Add(field, absl::StrCat("Must be of the form ", pattern, "."));
  } else if (LocationOf(name) != context.parent.location) {
    scope.Add(field, absl::StrCat("Must be in the job's location, ", context.parent.location, "."));
  }
}

void CheckLabels(const CustomJob& job, const FieldScope& scope) {
  if (job.labels_size() > kLabelsMax) {
    scope.Add("labels", absl::StrCat("At most ", kLabelsMax, " labels are allowed; there are ",
                                     job.labels_size(), "."));
    return;
  }
  // In the order of the keys: a map of protobuf has none.
  std::map<absl::string_view, absl::string_view> sorted(job.labels().begin(), job.labels().end());
  for (const auto& [key, value] : sorted) {
    if (absl::StartsWith(key, "aiplatform.googleapis.com/")) {
      scope.Add("labels", absl::StrCat("Key ", Quoted(key), " is reserved for the service."));
      continue;
    }
    scope.Expect(IsLabelKey(key), "labels",
                 absl::StrCat("Key ", Quoted(key),
                              " must have 1 to 64 lower-case letters, digits, underscores and "
                              "dashes, a letter first; international letters are allowed."));
    scope.Expect(IsLabelValue(value), "labels",
                 absl::StrCat("Value ", Quoted(value), " of key ", Quoted(key),
                              " must have at most 64 lower-case letters, digits, underscores and "
                              "dashes; international letters are allowed."));
  }
}

void CheckEncryption(const CustomJob& job, const ValidationContext& context,
                     const FieldScope& scope) {
  if (!job.has_encryption_spec()) return;
  const std::string& key = job.encryption_spec().kms_key_name();
  scope.Expect(!key.empty(), "encryption_spec.kms_key_name", "Must be set.");
  CheckReference(key, "projects/*/locations/*/keyRings/*/cryptoKeys/*",
                 "encryption_spec.kms_key_name", context, scope);
}

void CheckOutput(const CustomJobSpec& spec, const ValidationContext& context,
                 const FieldScope& scope) {
  if (spec.has_base_output_directory()) {
    scope.Expect(IsGcsUri(spec.base_output_directory().output_uri_prefix(), false),
                 "base_output_directory.output_uri_prefix",
                 "Must be a Cloud Storage directory: gs://bucket or gs://bucket/directory.");
  }
  const std::string& artifacts = spec.protected_artifact_location_id();
  if (!artifacts.empty()) {
    scope.Expect(IsDnsLabel(artifacts) && artifacts != context.parent.location,
                 "protected_artifact_location_id",
                 "Must be a location other than the job's, or be left out.");
  }
  CheckReference(spec.tensorboard(), "projects/*/locations/*/tensorboards/*", "tensorboard",
                 context, scope);
  if (!spec.tensorboard().empty()) {
    scope.Expect(!spec.service_account().empty(), "service_account",
                 "Must be set when tensorboard is.");
    scope.Expect(spec.has_base_output_directory(), "base_output_directory",
                 "Must be set when tensorboard is.");
  }
}

void CheckExperiment(const CustomJobSpec& spec, const ValidationContext& context,
                     const FieldScope& scope) {
  constexpr char kPattern[] = "projects/*/locations/*/metadataStores/*/contexts/*";
  CheckReference(spec.experiment(), kPattern, "experiment", context, scope);
  CheckReference(spec.experiment_run(), kPattern, "experiment_run", context, scope);
  scope.Expect(spec.experiment_run().empty() || !spec.experiment().empty(), "experiment_run",
               "Needs experiment.");
  scope.Expect(spec.experiment().empty() || !spec.service_account().empty(), "service_account",
               "Must be set when experiment is.");
}

void CheckJobSpec(const CustomJobSpec& spec, const ValidationContext& context,
                  const FieldScope& scope) {
  const std::string& resource = spec.persistent_resource_id();
  scope.Expect(resource.empty() || IsDnsLabel(resource), "persistent_resource_id",
               "Must have 1 to 63 lower-case letters, digits and hyphens, a letter first and no "
               "hyphen last.");
  CheckWorkerPools(spec, context, scope);
  CheckScheduling(spec, context, scope);
  const std::string& account = spec.service_account();
  scope.Expect(account.empty() || IsEmail(account), "service_account",
               "Must be the e-mail address of a service account.");
  CheckNetwork(spec, scope);
  CheckOutput(spec, context, scope);
  CheckExperiment(spec, context, scope);
  for (int i = 0; i < spec.models_size(); ++i) {
    scope.Expect(IsResourceName(spec.models(i), "projects/*/locations/*/models/*"),
                 absl::StrCat("models[", i, "]"),
                 "Must be of the form projects/*/locations/*/models/*.");
  }
}

}  // namespace

std::vector<FieldError> ValidateCustomJob(const CustomJob& job, const ValidationContext& context) {
  std::vector<FieldError> errors;
  FieldScope scope(errors, "");
  size_t length = CountCodePoints(job.display_name());
  scope.Expect(length >= 1 && length <= kDisplayNameLengthMax, "display_name",
               absl::StrCat("Must have 1 to ", kDisplayNameLengthMax, " characters."));
  CheckJobSpec(job.job_spec(), context, scope.Child("job_spec"));
  CheckLabels(job, scope);
  CheckEncryption(job, context, scope);
  return errors;
}

}  // namespace trainyard::model
