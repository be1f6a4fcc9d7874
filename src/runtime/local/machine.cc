#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/descriptor.h"
#include "base/status.h"
#include "runtime/local/cgroups.h"
#include "runtime/local/namespaces.h"
#include "runtime/local/runners.h"
#include "runtime/local/seccomp_filter.h"
#include "runtime/runtime.h"

namespace trainyard::runtime {
namespace {

// The topmost layer of every job: process 1, and the directories that are mounted upon or that
// files of the job's own are put in.
absl::StatusOr<std::string> MakeInitLayer(base::Disk& disk, const MachineOptions& options) {
  struct Directory {
    const char* path;
    mode_t mode;
  };
  constexpr Directory kDirectories[] = {{"", 0755},     {"/.trainyard", 0755},    {"/dev", 0755},
                                        {"/etc", 0755}, {"/gcs", 0755},           {"/proc", 0555},
                                        {"/run", 0755}, {"/run/trainyard", 0755}, {"/sys", 0555},
                                        {"/tmp", 01777}};
  ASSIGN_OR_RETURN(std::string program, disk.Read(options.init_path));
  const std::string layer = options.state_directory + "/init-layer";
  const uid_t owner = options.settings.uid_base;
  for (const Directory& directory : kDirectories) {
    const std::string path = layer + directory.path;
    RETURN_IF_ERROR(disk.MakeDirectories(path, directory.mode));
    if (lchown(path.c_str(), owner, owner) != 0) return base::ErrnoStatus(errno, "chown " + path);
  }
  const std::string path = layer + "/.trainyard/init";
  // Jobs that run have the old one mapped: it is replaced, never written over.
  if (disk.Read(path).value_or("") != program) {
    RETURN_IF_ERROR(disk.WriteAtomically(path, program, 0755));
  }
  return layer;
}

// crun copies itself to memory at every start, lest a job write to it, and executes the copy. It
// skips that when it is such a copy already: made here once. Invalid where the kernel refuses.
base::Descriptor CopyToSealedMemory(base::Disk& disk, const std::string& path) {
  absl::StatusOr<std::string> program = disk.Read(path);
  base::Descriptor copy(memfd_create("crun", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!program.ok() || !copy.valid()) return base::Descriptor();
  for (size_t done = 0; done < program->size();) {
    ssize_t count = write(copy.get(), program->data() + done, program->size() - done);
    if (count < 0) return base::Descriptor();
    done += static_cast<size_t>(count);
  }
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (fcntl(copy.get(), F_ADD_SEALS, kSeals) != 0 || fcntl(copy.get(), F_GET_SEALS) != kSeals ||
      access(PathOf(copy).c_str(), X_OK) != 0) {
    return base::Descriptor();
  }
  return copy;
}

class LocalMachine : public Machine {
 public:
  LocalMachine(std::unique_ptr<Cgroups> cgroups, std::unique_ptr<Networks> networks,
               std::unique_ptr<Runners> runners)
      : cgroups_(std::move(cgroups)),
        networks_(std::move(networks)),
        runners_(std::move(runners)) {}

  absl::Status Assemble(MachineWiring& wiring, const MachineOptions& options,
                        BundleSettings settings) {
    crun_ = CopyToSealedMemory(wiring.disk, settings.crun_path);
    if (crun_.valid()) settings.crun_path = PathOf(crun_);
    if (const std::string& hidden = cgroups_->layout().hidden_mount; !hidden.empty()) {
      ASSIGN_OR_RETURN(mounts_, MakeMountNamespace(hidden));
      settings.mount_namespace_path = PathOf(mounts_);
    }
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
    return absl::OkStatus();
  }

  control::Runtime& runtime() override { return *runtime_; }
  void Stop() override { runtime_.reset(); }

 private:
  base::Descriptor crun_, mounts_;
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
  RETURN_IF_ERROR(machine->Assemble(wiring, options, std::move(settings)));
  return machine;
}

}  // namespace trainyard::runtime
