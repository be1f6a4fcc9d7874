#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/status.h"
#include "runtime/local/cgroups.h"
#include "runtime/local/runners.h"
#include "runtime/local/seccomp_filter.h"
#include "runtime/runtime.h"

namespace trainyard::runtime {
namespace {

// The layer with process 1 of every job.
absl::StatusOr<std::string> MakeInitLayer(base::Disk& disk, const MachineOptions& options) {
  ASSIGN_OR_RETURN(std::string program, disk.Read(options.init_path));
  const std::string layer = options.state_directory + "/init-layer";
  RETURN_IF_ERROR(disk.MakeDirectories(layer + "/.trainyard", 0755));
  const std::string path = layer + "/.trainyard/init";
  // Jobs that run have the old one mapped: it is replaced, never written over.
  if (disk.Read(path).value_or("") != program) {
    RETURN_IF_ERROR(disk.WriteAtomically(path, program, 0755));
  }
  return layer;
}

class LocalMachine : public Machine {
 public:
  LocalMachine(std::unique_ptr<Cgroups> cgroups, std::unique_ptr<Networks> networks,
               std::unique_ptr<Runners> runners)
      : cgroups_(std::move(cgroups)),
        networks_(std::move(networks)),
        runners_(std::move(runners)) {}

  void Assemble(MachineWiring& wiring, const MachineOptions& options, BundleSettings settings) {
    runtime_ = CreateLocalRuntime(
        {.executor = wiring.executor,
         .run_blocking = [&workers = wiring.workers](
                             base::Task task) { return workers.TryPost(std::move(task)); },
         .clock = wiring.clock,
         .tools = {.disk = wiring.disk,
                   .images = wiring.images,
                   .buckets = wiring.buckets,
                   .cgroups = *cgroups_,
                   .networks = *networks_,
                   .runners = *runners_,
                   .settings = std::move(settings),
                   .egress = options.egress},
         .replicas_directory = options.state_directory + "/replicas",
         .job_line = wiring.job_line});
  }

  control::Runtime& runtime() override { return *runtime_; }
  void Stop() override { runtime_.reset(); }

 private:
  std::unique_ptr<Cgroups> cgroups_;
  std::unique_ptr<Networks> networks_;
  std::unique_ptr<Runners> runners_;
  std::unique_ptr<control::Runtime> runtime_;
};

}  // namespace

std::string InstanceOf(const std::string& state_directory) {
  return absl::StrCat(absl::Hex(base::Crc32c(state_directory), absl::kZeroPad8));
}

absl::StatusOr<std::unique_ptr<Machine>> Machine::Create(MachineWiring wiring,
                                                         MachineOptions options) {
  if (options.instance.empty()) options.instance = InstanceOf(options.state_directory);
  ASSIGN_OR_RETURN(std::unique_ptr<Cgroups> cgroups,
                   CreateRealCgroups(wiring.disk, options.instance));
  BundleSettings settings = options.settings;
  ASSIGN_OR_RETURN(settings.init_layer, MakeInitLayer(wiring.disk, options));
  ASSIGN_OR_RETURN(std::string filter, CompileSeccompFilter());
  settings.seccomp_base64 = absl::Base64Escape(filter);
  NetworkOptions network = options.network;
  network.instance = options.instance;
  network.uid_base = settings.uid_base;
  network.uid_count = settings.uid_count;
  network.egress = options.egress;
  auto machine = std::make_unique<LocalMachine>(
      std::move(cgroups), CreateRealNetworks(wiring.processes, std::move(network)),
      CreateRealRunners(wiring.processes, wiring.disk, options.runner_path));
  machine->Assemble(wiring, options, std::move(settings));
  return machine;
}

}  // namespace trainyard::runtime
