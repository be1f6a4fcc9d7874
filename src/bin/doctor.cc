#include "bin/doctor.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <functional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/disk.h"
#include "base/process.h"
#include "base/status.h"
#include "bin/server_config.h"
#include "cli/cli.h"
#include "edge/identity.h"
#include "runtime/local/cgroup_layout.h"

namespace trainyard::bin {
namespace {

using Level = Finding::Level;

// A program, the arguments that make it print its version, and the Debian package that has it.
struct Program {
  const char* name;
  std::vector<std::string> arguments;
  const char* package;
};

class Examination {
 public:
  explicit Examination(const ServerConfig& config) : config_(config) {}

  std::vector<Finding> Run() {
    CheckUser();
    CheckKernel();
    for (const Program& program : {Program{"crun", {"--version"}, "crun"},
                                   Program{"mmdebstrap", {"--version"}, "mmdebstrap"},
                                   Program{"iptables", {"--version"}, "iptables"},
                                   Program{"python3", {"--version"}, "python3"}}) {
      CheckProgram(program);
    }
    CheckVenv();
    CheckCgroups();
    CheckUserNamespaces();
    CheckDisk("data", config_.data_directory, 1);
    CheckDisk("cache", config_.cache_directory, 2);
    return std::move(findings_);
  }

 private:
  void Add(Level level, std::string subject, std::string text, std::string remedy = "") {
    findings_.push_back({level, std::move(subject), std::move(text), std::move(remedy)});
  }

  void CheckUser() {
    if (geteuid() == 0) return Add(Level::kGood, "user", "root");
    Add(Level::kBad, "user", "not root: jobs cannot get containers of their own",
        "run trainyard as root (sudo)");
  }

  void CheckKernel() {
    utsname name;
    uname(&name);
    std::vector<std::string> parts = absl::StrSplit(name.release, absl::ByAnyChar(".-"));
    int major = 0, minor = 0;
    bool known = parts.size() > 1 && absl::SimpleAtoi(parts[0], &major) &&
                 absl::SimpleAtoi(parts[1], &minor);
    if (known && (major > 5 || (major == 5 && minor >= 9)))
      return Add(Level::kGood, "kernel", name.release);
    Add(Level::kBad, "kernel", absl::StrCat(name.release, ": openat2 and close_range are missing"),
        "use Linux 5.9 or newer (Debian 12 has 6.1)");
  }

  void CheckProgram(const Program& program) {
    base::Command command;
    command.argv = {program.name};
    command.argv.insert(command.argv.end(), program.arguments.begin(), program.arguments.end());
    command.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    command.timeout = absl::Seconds(10);
    absl::StatusOr<base::CommandResult> result = processes_.Run(command);
    if (result.ok() && result->exit_code == 0) {
      std::vector<std::string> lines = absl::StrSplit(result->output, '\n');
      return Add(Level::kGood, program.name, lines[0]);
    }
    Add(Level::kBad, program.name, "missing", absl::StrCat("apt-get install ", program.package));
  }

  void CheckVenv() {
    base::Command command;
    command.argv = {"/usr/bin/python3", "-c", "import venv, ensurepip"};
    absl::StatusOr<base::CommandResult> result = processes_.Run(command);
    if (result.ok() && result->exit_code == 0) return Add(Level::kGood, "python3-venv", "present");
    Add(Level::kBad, "python3-venv", "missing: environments cannot be installed",
        "apt-get install python3-venv");
  }

  void CheckCgroups() {
    runtime::CgroupFacts facts;
    facts.mountinfo = disk_.Read("/proc/self/mountinfo").value_or("");
    facts.own_cgroups = disk_.Read("/proc/self/cgroup").value_or("");
    for (const char* path :
         {"/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/unified/cgroup.controllers"}) {
      if (absl::StatusOr<std::string> text = disk_.Read(path); text.ok())
        facts.unified_controllers = *text;
    }
    facts.swap_is_counted = disk_.Stat("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes").ok();
    absl::StatusOr<runtime::CgroupLayout> layout = runtime::LayOutCgroups(facts, "doctor");
    if (!layout.ok()) {
      return Add(Level::kBad, "cgroups", std::string(layout.status().message()),
                 "limits of jobs need the cpu, memory and pids controllers");
    }
    const char* mode = layout->mode == runtime::CgroupMode::kV2 ? "version 2"
                       : layout->mode == runtime::CgroupMode::kHybrid
                           ? "hybrid (version 1 with an empty version 2)"
                           : "version 1";
    Add(Level::kGood, "cgroups", mode);
    if (!layout->swap_is_limited &&
        disk_.Read("/proc/swaps").value_or("").find("\n/") != std::string::npos) {
      Add(Level::kWarning, "swap",
          "this machine swaps and swap is not counted: a job's memory limit leaks into it",
          "boot with swapaccount=1, or turn swap off");
    }
  }

  void CheckUserNamespaces() {
    int64_t limit = 0;
    std::string text = disk_.Read("/proc/sys/user/max_user_namespaces").value_or("0");
    if (absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &limit) && limit > 0) {
      return Add(Level::kGood, "user namespaces", absl::StrCat("up to ", limit));
    }
    Add(Level::kBad, "user namespaces", "turned off", "sysctl user.max_user_namespaces=15000");
  }

  void CheckDisk(const char* what, const std::string& directory, uint64_t gib_needed) {
    std::string existing = directory;
    while (existing.size() > 1 && !disk_.Stat(existing).ok())
      existing = existing.substr(0, existing.rfind('/'));
    absl::StatusOr<uint64_t> free_bytes = disk_.FreeBytes(existing.empty() ? "/" : existing);
    if (!free_bytes.ok())
      return Add(Level::kBad, what, std::string(free_bytes.status().message()), "choose another");
    std::string text = absl::StrCat(directory, ": ", *free_bytes >> 30, " GiB free");
    if (*free_bytes >> 30 >= gib_needed) return Add(Level::kGood, what, text);
    Add(Level::kBad, what, text,
        absl::StrCat("free ", gib_needed, " GiB, or choose another directory"));
  }

  const ServerConfig& config_;
  base::RealDisk disk_;
  base::RealProcesses processes_;
  std::vector<Finding> findings_;
};

int VerifyAudit(const std::string& path) {
  base::RealDisk disk;
  absl::StatusOr<edge::AuditSummary> summary = edge::VerifyAuditFile(disk, path);
  if (!summary.ok()) return cli::Fail(summary.status());
  std::printf("%s: %llu records, the chain is whole; last %s\n", path.c_str(),
              static_cast<unsigned long long>(summary->records), summary->last_sha256_hex.c_str());
  return cli::kExitOk;
}

}  // namespace

std::string RenderFindings(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    const char* mark = finding.level == Level::kGood      ? "ok   "
                       : finding.level == Level::kWarning ? "warn "
                                                          : "BAD  ";
    absl::StrAppend(&text, mark, finding.subject, ": ", finding.text, "\n");
    if (!finding.remedy.empty()) absl::StrAppend(&text, "       -> ", finding.remedy, "\n");
  }
  return text;
}

int Doctor(const DoctorOptions& options) {
  if (!options.audit_file.empty()) return VerifyAudit(options.audit_file);
  ServerConfig config;
  if (absl::Status status = LoadConfigFile(options.config_file, config); !status.ok())
    return cli::Fail(status);
  FillDefaultPaths(config);
  std::vector<Finding> findings = Examination(config).Run();
  std::fputs(RenderFindings(findings).c_str(), stdout);
  for (const Finding& finding : findings) {
    if (finding.level == Level::kBad) return cli::kExitError;
  }
  return cli::kExitOk;
}

}  // namespace trainyard::bin
