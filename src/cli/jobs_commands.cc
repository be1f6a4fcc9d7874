#include <CLI/CLI.hpp>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "cli/session.h"
#include "cli/worker_pool_spec.h"
#include "google/cloud/aiplatform/v1/job_service.pb.h"
#include "google/longrunning/operations.pb.h"
#include "google/protobuf/empty.pb.h"
#include "trainyard/admin/v1/admin.pb.h"

namespace trainyard::cli {
namespace {

namespace v1 = google::cloud::aiplatform::v1;
constexpr char kService[] = "google.cloud.aiplatform.v1.JobService/";

struct CreateFlags {
  std::string display_name, config, package_uris, command, args, service_account, labels,
      base_output;
  std::vector<std::string> pools, environment;
  int64_t timeout_seconds = 0;
  bool wait = false;
};

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

// gcloud applies --command, --args and --python-package-uris to every pool.
absl::Status ApplyToPools(const CreateFlags& flags, v1::CustomJobSpec& spec) {
  for (v1::WorkerPoolSpec& pool : *spec.mutable_worker_pool_specs()) {
    auto fill = [&](auto* target) {
      for (auto arg : absl::StrSplit(flags.args, ',', absl::SkipEmpty()))
        target->add_args(std::string(arg));
      for (const std::string& text : flags.environment) {
        std::pair<std::string, std::string> pair = absl::StrSplit(text, absl::MaxSplits('=', 1));
        auto* variable = target->add_env();
        variable->set_name(pair.first);
        variable->set_value(pair.second);
      }
    };
    if (pool.has_container_spec()) {
      for (auto word : absl::StrSplit(flags.command, ',', absl::SkipEmpty())) {
        pool.mutable_container_spec()->add_command(std::string(word));
      }
      fill(pool.mutable_container_spec());
    } else if (pool.has_python_package_spec()) {
      for (auto uri : absl::StrSplit(flags.package_uris, ',', absl::SkipEmpty())) {
        pool.mutable_python_package_spec()->add_package_uris(std::string(uri));
      }
      fill(pool.mutable_python_package_spec());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::CustomJob> JobOf(const CreateFlags& flags) {
  v1::CustomJob job;
  job.set_display_name(flags.display_name);
  if (!flags.config.empty()) {
    ASSIGN_OR_RETURN(std::string text, ReadLocalFile(flags.config));
    ASSIGN_OR_RETURN(*job.mutable_job_spec(), ParseJobSpecFile(text));
  }
  if (!flags.pools.empty()) job.mutable_job_spec()->clear_worker_pool_specs();
  for (const std::string& text : flags.pools) {
    ASSIGN_OR_RETURN(*job.mutable_job_spec()->add_worker_pool_specs(), ParseWorkerPoolSpec(text));
  }
  if (job.job_spec().worker_pool_specs().empty()) {
    return absl::InvalidArgumentError("give --worker-pool-spec or --config: what shall run?");
  }
  RETURN_IF_ERROR(ApplyToPools(flags, *job.mutable_job_spec()));
  ASSIGN_OR_RETURN(auto labels, ParsePairs(flags.labels));
  for (const auto& [key, value] : labels) (*job.mutable_labels())[key] = value;
  if (!flags.service_account.empty())
    job.mutable_job_spec()->set_service_account(flags.service_account);
  if (!flags.base_output.empty()) {
    job.mutable_job_spec()->mutable_base_output_directory()->set_output_uri_prefix(
        flags.base_output);
  }
  if (flags.timeout_seconds > 0) {
    job.mutable_job_spec()->mutable_scheduling()->mutable_timeout()->set_seconds(
        flags.timeout_seconds);
  }
  return job;
}

absl::StatusOr<int> Create(Session& session, const CreateFlags& flags) {
  ASSIGN_OR_RETURN(ApiClient * client, session.Client());
  v1::CreateCustomJobRequest request;
  request.set_parent(session.target.Parent());
  ASSIGN_OR_RETURN(*request.mutable_custom_job(), JobOf(flags));
  v1::CustomJob job;
  RETURN_IF_ERROR(client->Call(absl::StrCat(kService, "CreateCustomJob"), request, job));
  if (flags.wait) {
    std::fprintf(stderr, "%s\n", job.name().c_str());
    RETURN_IF_ERROR(PrintLog(*client, job.name(), {.follow = true}));
    ASSIGN_OR_RETURN(job, WaitForEnd(*client, job.name(), absl::InfiniteDuration(), session.clock));
    return ExitCodeOf(job);
  }
  if (session.OutputFormat() != Format::kTable) {
    std::fputs(RenderMessage(job, session.OutputFormat()).c_str(), stdout);
    return kExitOk;
  }
  std::string id = job.name().substr(job.name().rfind('/') + 1);
  std::printf("%s\n", job.name().c_str());
  std::fprintf(stderr,
               "follow it:  trainyard jobs logs -f %s\nwhy it waits:  trainyard explain %s\n",
               id.c_str(), id.c_str());
  return kExitOk;
}

std::vector<std::string> RowOf(const v1::CustomJob& job, absl::Time now) {
  std::string state = v1::JobState_Name(job.state());
  absl::Time end = job.has_end_time() ? FromProto(job.end_time()) : now;
  std::string ran = job.has_start_time() ? ShortDuration(end - FromProto(job.start_time())) : "-";
  return {job.name().substr(job.name().rfind('/') + 1),
          state.substr(std::string("JOB_STATE_").size()), ShortTime(FromProto(job.create_time())),
          ran, job.display_name()};
}

absl::StatusOr<int> List(Session& session, const std::string& filter, int limit) {
  ASSIGN_OR_RETURN(ApiClient * client, session.Client());
  v1::ListCustomJobsRequest request;
  request.set_parent(session.target.Parent());
  request.set_filter(filter);
  std::vector<v1::CustomJob> jobs;
  do {
    v1::ListCustomJobsResponse response;
    request.set_page_size(std::min(limit - static_cast<int>(jobs.size()), 1000));
    RETURN_IF_ERROR(client->Call(absl::StrCat(kService, "ListCustomJobs"), request, response));
    for (auto& job : *response.mutable_custom_jobs()) jobs.push_back(std::move(job));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty() && static_cast<int>(jobs.size()) < limit);
  if (session.OutputFormat() != Format::kTable) {
    std::vector<const google::protobuf::Message*> messages;
    for (const auto& job : jobs) messages.push_back(&job);
    std::fputs(RenderMessages(messages, session.OutputFormat()).c_str(), stdout);
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows = {{"ID", "STATE", "CREATED", "RAN", "NAME"}};
  for (const auto& job : jobs) rows.push_back(RowOf(job, session.clock.Now()));
  std::fputs(RenderTable(rows).c_str(), stdout);
  if (!request.page_token().empty()) std::fprintf(stderr, "more: --limit %d\n", limit * 10);
  return kExitOk;
}

absl::StatusOr<int> Describe(Session& session, const std::string& job) {
  ASSIGN_OR_RETURN(ApiClient * client, session.Client());
  v1::GetCustomJobRequest request;
  request.set_name(session.JobName(job));
  v1::CustomJob response;
  RETURN_IF_ERROR(client->Call(absl::StrCat(kService, "GetCustomJob"), request, response));
  Format format = session.OutputFormat() == Format::kJson ? Format::kJson : Format::kYaml;
  std::fputs(RenderMessage(response, format).c_str(), stdout);
  return kExitOk;
}

absl::StatusOr<int> Cancel(Session& session, const std::vector<std::string>& jobs) {
  ASSIGN_OR_RETURN(ApiClient * client, session.Client());
  for (const std::string& job : jobs) {
    v1::CancelCustomJobRequest request;
    request.set_name(session.JobName(job));
    google::protobuf::Empty response;
    RETURN_IF_ERROR(client->Call(absl::StrCat(kService, "CancelCustomJob"), request, response));
  }
  return kExitOk;
}

absl::StatusOr<int> Delete(Session& session, const std::vector<std::string>& jobs) {
  ASSIGN_OR_RETURN(ApiClient * client, session.Client());
  for (const std::string& job : jobs) {
    v1::DeleteCustomJobRequest request;
    request.set_name(session.JobName(job));
    google::longrunning::Operation response;
    RETURN_IF_ERROR(client->Call(absl::StrCat(kService, "DeleteCustomJob"), request, response));
  }
  return kExitOk;
}

absl::StatusOr<int> Wait(Session& session, const std::string& job, double timeout_seconds) {
  ASSIGN_OR_RETURN(ApiClient * client, session.Client());
  absl::Duration timeout =
      timeout_seconds > 0 ? absl::Seconds(timeout_seconds) : absl::InfiniteDuration();
  ASSIGN_OR_RETURN(v1::CustomJob ended,
                   WaitForEnd(*client, session.JobName(job), timeout, session.clock));
  std::printf("%s\n", v1::JobState_Name(ended.state()).c_str());
  return ExitCodeOf(ended);
}

absl::StatusOr<int> Explain(Session& session, const std::string& job) {
  ASSIGN_OR_RETURN(ApiClient * client, session.Client());
  trainyard::admin::v1::ExplainJobRequest request;
  request.set_name(session.JobName(job));
  trainyard::admin::v1::ExplainJobResponse response;
  RETURN_IF_ERROR(client->Call("trainyard.admin.v1.AdminService/ExplainJob", request, response));
  if (session.OutputFormat() != Format::kTable) {
    std::fputs(RenderMessage(response, session.OutputFormat()).c_str(), stdout);
    return kExitOk;
  }
  std::printf("%s\n", response.summary().c_str());
  for (const auto& blocker : response.blockers()) std::printf("  - %s\n", blocker.text().c_str());
  if (!response.smallest_change().empty())
    std::printf("would start it now: %s\n", response.smallest_change().c_str());
  if (response.has_estimated_start()) {
    std::printf("likely start: %s\n", ShortTime(FromProto(response.estimated_start())).c_str());
  }
  return kExitOk;
}

void AddCreate(CLI::App& jobs, Session& session) {
  auto flags = std::make_shared<CreateFlags>();
  CLI::App* create = jobs.add_subcommand("create", "Submits a custom job");
  create->add_option("--display-name", flags->display_name, "Name for people")->required();
  create
      ->add_option(
          "--worker-pool-spec", flags->pools,
          "One pool, in gcloud's form: machine-type=n1-standard-4,container-image-uri=python:3.11; "
          "keys: replica-count, machine-type, accelerator-type, accelerator-count, "
          "container-image-uri or "
          "executor-image-uri with python-module, disk-type, disk-size. Repeat it for further "
          "pools")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  create->add_option("--config", flags->config, "YAML file of a CustomJobSpec");
  create->add_option("--python-package-uris", flags->package_uris,
                     "gs:// packages, comma separated");
  create->add_option("--command", flags->command,
                     "Replaces the image's entry point; comma separated");
  create->add_option("--args", flags->args, "Arguments, comma separated");
  create->add_option("--env", flags->environment, "NAME=value; repeat it");
  create->add_option("--service-account", flags->service_account, "Account the job runs as");
  create->add_option("--labels", flags->labels, "key=value, comma separated");
  create->add_option("--base-output-directory", flags->base_output,
                     "gs:// directory behind AIP_MODEL_DIR");
  create->add_option("--timeout", flags->timeout_seconds,
                     "Longest running time in seconds (default 7 days)");
  create->add_flag("--wait", flags->wait, "Follows the log and exits as the job does");
  create->callback([&session, flags] {
    session.action = Act([&session, flags] { return Create(session, *flags); });
  });
}

void AddLogs(CLI::App& jobs, Session& session) {
  struct Flags {
    std::string job, since;
    LogOptions log;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* logs = jobs.add_subcommand("logs", "Prints a job's log:  trainyard jobs logs -f 1234");
  logs->add_option("JOB", flags->job, "Numeric id or full name")->required();
  logs->add_flag("-f,--follow", flags->log.follow, "Goes on until the job has ended");
  logs->add_option("--task", flags->log.task, "Only one task: workerpool0-0, service");
  logs->add_option("--since", flags->since, "10m, 2h, or 2026-01-02T03:04:05Z");
  logs->add_option("--grep", flags->log.grep,
                   "Only lines that match an extended regular expression");
  logs->add_flag("--raw", flags->log.raw, "The program's own output, nothing added");
  logs->callback([&session, flags] {
    session.action = Act([&session, flags]() -> absl::StatusOr<int> {
      ASSIGN_OR_RETURN(ApiClient * client, session.Client());
      if (!flags->since.empty()) {
        ASSIGN_OR_RETURN(flags->log.since, ParseSince(flags->since, session.clock.Now()));
      }
      RETURN_IF_ERROR(PrintLog(*client, session.JobName(flags->job), flags->log));
      return kExitOk;
    });
  });
}

template <typename Run>
void AddOfOneJob(CLI::App& app, Session& session, const char* name, const char* help, Run run) {
  auto job = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("JOB", *job, "Numeric id or full name")->required();
  command->callback([&session, job, run] {
    session.action = Act([&session, job, run] { return run(session, *job); });
  });
}

template <typename Run>
void AddOfManyJobs(CLI::App& app, Session& session, const char* name, const char* help, Run run) {
  auto job = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("JOB", *job, "Numeric ids or full names")->required();
  command->callback([&session, job, run] {
    session.action = Act([&session, job, run] { return run(session, *job); });
  });
}

}  // namespace

void AddJobsCommands(CLI::App& app, Session& session) {
  CLI::App* jobs =
      app.add_subcommand("jobs", "Custom jobs: create, list, describe, logs, wait, cancel, delete");
  jobs->require_subcommand(1);
  AddCreate(*jobs, session);
  AddLogs(*jobs, session);
  AddOfOneJob(*jobs, session, "describe", "Everything about one job", Describe);
  AddOfManyJobs(*jobs, session, "cancel", "Stops jobs: SIGTERM, 30 s, SIGKILL", Cancel);
  AddOfManyJobs(*jobs, session, "delete", "Forgets ended jobs and their logs", Delete);

  auto filter = std::make_shared<std::string>();
  auto limit = std::make_shared<int>(100);
  CLI::App* list = jobs->add_subcommand(
      "list", "Newest first:  trainyard jobs list --filter 'state=JOB_STATE_FAILED'");
  list->add_option(
      "--filter", *filter,
      "display_name=\"x*\" AND labels.team:* AND create_time>\"2026-01-01T00:00:00Z\"");
  list->add_option("--limit", *limit, "At most so many (100)")->check(CLI::PositiveNumber);
  list->callback([&session, filter, limit] {
    session.action = Act([&session, filter, limit] { return List(session, *filter, *limit); });
  });

  auto job = std::make_shared<std::string>();
  auto timeout = std::make_shared<double>(0);
  CLI::App* wait = jobs->add_subcommand(
      "wait", "Waits for the end; exit code 0 succeeded, 3 failed, 4 cancelled");
  wait->add_option("JOB", *job, "Numeric id or full name")->required();
  wait->add_option("--timeout", *timeout, "Seconds; 0: for ever");
  wait->callback([&session, job, timeout] {
    session.action = Act([&session, job, timeout] { return Wait(session, *job, *timeout); });
  });
  AddOfOneJob(app, session, "explain", "Why a job waits, what would start it now, and when it will",
              Explain);
}

}  // namespace trainyard::cli
