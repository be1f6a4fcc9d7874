#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "cli/environment.h"
#include "cli/session.h"
#include "cli/storage_client.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"

namespace trainyard::cli {
namespace {

namespace v1 = google::cloud::aiplatform::v1;
namespace fs = std::filesystem;

struct Flags {
  std::string script, image, machine, bucket, name, requirements;
  std::vector<std::string> args, environment, packages;
  bool detach = false;
};

std::string InContainer(const ObjectUri& uri) {
  return absl::StrCat("/gcs/", uri.bucket, "/", uri.name);
}

// The container's command: the interpreter by the script's ending; packages are installed first.
std::vector<std::string> CommandOf(const Flags& flags, const ObjectUri& script,
                                   const ObjectUri& requirements) {
  std::vector<std::string> run = {
      fs::path(flags.script).extension() == ".sh" ? "/bin/sh" : "python3", InContainer(script)};
  if (flags.packages.empty() && flags.requirements.empty()) return run;
  std::vector<std::string> install = {"/opt/trainyard/uv", "pip",
                                      "install",           "--quiet",
                                      "--system",          "--break-system-packages",
                                      "--link-mode=copy",  "--no-progress"};
  for (const std::string& package : flags.packages) install.push_back(ShellQuoted(package));
  if (!flags.requirements.empty()) {
    install.push_back("-r");
    install.push_back(ShellQuoted(InContainer(requirements)));
  }
  for (std::string& word : run) word = ShellQuoted(word);
  return {
      "/bin/sh", "-c",
      absl::StrCat(absl::StrJoin(install, " "), " && exec ", absl::StrJoin(run, " "), " \"$@\""),
      "sh"};
}

v1::CustomJob JobOf(const Flags& flags, const ObjectUri& script, const ObjectUri& requirements) {
  v1::CustomJob job;
  job.set_display_name(flags.name.empty() ? fs::path(flags.script).filename().string()
                                          : flags.name);
  v1::WorkerPoolSpec* pool = job.mutable_job_spec()->add_worker_pool_specs();
  pool->mutable_machine_spec()->set_machine_type(flags.machine);
  pool->set_replica_count(1);
  v1::ContainerSpec* container = pool->mutable_container_spec();
  container->set_image_uri(flags.image);
  for (const std::string& word : CommandOf(flags, script, requirements))
    container->add_command(word);
  for (const std::string& word : flags.args) container->add_args(word);
  for (const std::string& text : flags.environment) {
    size_t equals = text.find('=');
    auto* variable = container->add_env();
    variable->set_name(text.substr(0, equals));
    if (equals != std::string::npos) variable->set_value(text.substr(equals + 1));
  }
  std::string directory = script.name.substr(0, script.name.rfind('/') + 1);
  job.mutable_job_spec()->mutable_base_output_directory()->set_output_uri_prefix(
      absl::StrCat("gs://", script.bucket, "/", directory));
  return job;
}

absl::Status EnsureBucket(StorageClient& storage, const std::string& bucket) {
  absl::Status status = storage.CreateBucket(bucket);
  return absl::IsAlreadyExists(status) ? absl::OkStatus() : status;
}

absl::StatusOr<int> Run(Session& session, Flags& flags) {
  if (!fs::is_regular_file(flags.script)) {
    return absl::NotFoundError(absl::StrCat(flags.script, " is no file"));
  }
  ASSIGN_OR_RETURN(ApiClient * client, session.Client());
  StorageClient storage(session.target, *client);
  if (flags.bucket.empty()) flags.bucket = absl::StrCat(session.target.project, "-trainyard-runs");
  RETURN_IF_ERROR(EnsureBucket(storage, flags.bucket));
  std::string directory = absl::StrCat(
      "runs/", absl::FormatTime("%Y%m%d-%H%M%E3S", session.clock.Now(), absl::UTCTimeZone()), "-",
      getpid(), "/");
  ObjectUri script{flags.bucket, directory + fs::path(flags.script).filename().string()};
  ObjectUri requirements{flags.bucket, directory + "requirements.txt"};
  RETURN_IF_ERROR(storage.Upload(flags.script, script));
  if (!flags.requirements.empty())
    RETURN_IF_ERROR(storage.Upload(flags.requirements, requirements));

  v1::CreateCustomJobRequest request;
  request.set_parent(session.target.Parent());
  *request.mutable_custom_job() = JobOf(flags, script, requirements);
  v1::CustomJob job;
  RETURN_IF_ERROR(
      client->Call("google.cloud.aiplatform.v1.JobService/CreateCustomJob", request, job));
  if (flags.detach) {
    std::printf("%s\n", job.name().c_str());
    return kExitOk;
  }
  RETURN_IF_ERROR(PrintLog(*client, job.name(), {.follow = true, .raw = true}));
  ASSIGN_OR_RETURN(job, WaitForEnd(*client, job.name(), absl::InfiniteDuration(), session.clock));
  return ExitCodeOf(job);
}

}  // namespace

void AddRunCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<Flags>();
  CLI::App* run = app.add_subcommand(
      "run", "Runs a script as a job and shows its output:  trainyard run train.py --epochs 3");
  run->add_option("SCRIPT", flags->script, "A Python or shell script")->required();
  run->add_option("ARGS", flags->args,
                  "Its arguments; write -- before those that begin with a dash");
  run->add_option("--image", flags->image, "Container image")
      ->default_val("us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest");
  run->add_option("--machine-type", flags->machine, "Machine type")->default_val("n1-standard-4");
  run->add_option("--package", flags->packages, "A package to install first; repeat it")
      ->expected(1);
  run->add_option("--requirements", flags->requirements, "A requirements file to install first");
  run->add_option("--env", flags->environment, "NAME=value; repeat it")->expected(1);
  run->add_option("--bucket", flags->bucket,
                  "Bucket for the script and its output (PROJECT-trainyard-runs)");
  run->add_option("--display-name", flags->name, "Name for people (the script's)");
  run->add_flag("--detach", flags->detach, "Prints the job's name and returns");
  run->positionals_at_end(true);
  run->callback([&session, flags] {
    session.action = Act([&session, flags] { return Run(session, *flags); });
  });
}

}  // namespace trainyard::cli
