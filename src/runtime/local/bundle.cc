#include "runtime/local/bundle.h"

#include <algorithm>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/local/json_writer.h"

namespace trainyard::runtime {
namespace {

using trainyard::runner::v1::ReplicaSpec;
using trainyard::runner::v1::RootFile;

// What the runner hands crun: see runner/container.cc.
constexpr char kUserNamespace[] = "/proc/self/fd/10";
constexpr char kNetworkNamespace[] = "/proc/self/fd/11";
constexpr char kInitPath[] = "/.trainyard/init";
constexpr int kOutOfMemoryScore = 500;  // jobs go before the server
constexpr int64_t kCpuPeriodUs = 100'000;

// Docker's defaults less raw sockets (they forge addresses), device files, audit records and file
// capabilities.
const std::vector<std::string> kCapabilities = {
    "CAP_CHOWN",  "CAP_DAC_OVERRIDE", "CAP_FOWNER",  "CAP_FSETID",           "CAP_KILL",
    "CAP_SETGID", "CAP_SETUID",       "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT"};
const std::vector<std::string> kMaskedPaths = {"/proc/acpi",       "/proc/kcore",
                                               "/proc/keys",       "/proc/latency_stats",
                                               "/proc/timer_list", "/proc/sched_debug",
                                               "/proc/scsi",       "/sys/firmware",
                                               "/sys/fs/selinux",  "/sys/devices/virtual/powercap"};
const std::vector<std::string> kReadOnlyPaths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                                 "/proc/sysrq-trigger"};

void WriteProcess(const BundleInput& input, const std::vector<std::string>& command,
                  JsonWriter& json) {
  std::vector<std::string> argv = {kInitPath};
  argv.insert(argv.end(), command.begin(), command.end());
  json.Key("process").Begin();
  json.Key("terminal").Bool(false);
  json.Key("user").Begin();
  json.Key("uid").Number(input.image.uid).Key("gid").Number(input.image.gid).End();
  json.Key("args").Strings(argv);
  json.Key("env").Strings(EnvironmentOf(input));
  const std::string& directory = input.image.working_directory;
  json.Key("cwd").String(directory.empty() ? "/" : directory);
  json.Key("noNewPrivileges").Bool(true);
  json.Key("oomScoreAdj").Number(kOutOfMemoryScore);
  json.Key("capabilities").Begin();
  for (const char* set : {"bounding", "effective", "permitted"}) {
    json.Key(set).Strings(kCapabilities);
  }
  json.End();
  json.Key("rlimits").BeginList().Begin();
  json.Key("type").String("RLIMIT_CORE").Key("soft").Number(0).Key("hard").Number(0);
  json.End().EndList();
  json.End();
}

void WriteMount(const std::string& destination, const std::string& type, const std::string& source,
                const std::vector<std::string>& options, JsonWriter& json) {
  json.Begin();
  json.Key("destination").String(destination).Key("type").String(type);
  json.Key("source").String(source).Key("options").Strings(options);
  json.End();
}

void WriteMounts(const BundleInput& input, JsonWriter& json) {
  const std::string shared_memory = absl::StrCat("size=", input.replica.need.memory_bytes() / 2);
  json.Key("mounts").BeginList();
  WriteMount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}, json);
  WriteMount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}, json);
  WriteMount("/dev/pts", "devpts", "devpts",
             {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}, json);
  WriteMount("/dev/shm", "tmpfs", "shm", {"nosuid", "nodev", "mode=1777", shared_memory}, json);
  WriteMount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}, json);
  WriteMount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}, json);
  if (input.cgroups.mode == CgroupMode::kV2) {
    WriteMount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "ro"}, json);
  }
  for (const BucketMount& bucket : input.buckets) {
    WriteMount("/gcs/" + bucket.name, "bind", bucket.host_directory,
               {"rbind", "rw", "nosuid", "nodev"}, json);
  }
  json.EndList();
}

// By the size of the machine type, so that a fork bomb in a small one ends soon.
int64_t ProcessesMax(const BundleInput& input) {
  constexpr int64_t kPerProcessor = 4096, kLeast = 1024;
  const int64_t wanted = input.replica.need.cpu_milli() * kPerProcessor / 1000;
  return std::min(input.settings.processes_max, std::max(kLeast, wanted));
}

void WriteResources(const BundleInput& input, JsonWriter& json) {
  const auto& need = input.replica.need;
  // What docker has as one processor: 1024.
  const int64_t shares = std::clamp<int64_t>(need.cpu_milli() * 1024 / 1000, 2, 262'144);
  json.Key("resources").Begin();
  json.Key("devices").BeginList().Begin();
  json.Key("allow").Bool(false).Key("access").String("rwm").End().EndList();
  json.Key("cpu").Begin().Key("shares").Number(shares);
  if (input.settings.placement == Placement::kStrict) {
    json.Key("quota").Number(std::max<int64_t>(need.cpu_milli() * kCpuPeriodUs / 1000, 1000));
    json.Key("period").Number(kCpuPeriodUs);
  }
  json.End();
  json.Key("memory").Begin().Key("limit").Number(need.memory_bytes());
  // The same number: no swap.
  if (input.cgroups.swap_is_limited) json.Key("swap").Number(need.memory_bytes());
  json.End();
  json.Key("pids").Begin().Key("limit").Number(ProcessesMax(input)).End();
  json.End();
}

void WriteIdMap(const BundleInput& input, const char* name, JsonWriter& json) {
  json.Key(name).BeginList().Begin();
  json.Key("containerID").Number(0).Key("hostID").Number(input.settings.uid_base);
  json.Key("size").Number(input.settings.uid_count);
  json.End().EndList();
}

void WriteLinux(const BundleInput& input, JsonWriter& json) {
  json.Key("linux").Begin();
  json.Key("namespaces").BeginList();
  for (const char* type : {"mount", "pid", "ipc", "uts", "cgroup"}) {
    json.Begin().Key("type").String(type).End();
  }
  json.Begin().Key("type").String("user").Key("path").String(kUserNamespace).End();
  json.Begin().Key("type").String("network").Key("path").String(kNetworkNamespace).End();
  json.EndList();
  WriteIdMap(input, "uidMappings", json);
  WriteIdMap(input, "gidMappings", json);
  json.Key("cgroupsPath").String(CgroupsOf(input.cgroups, input.replica.replica_id).crun_path);
  WriteResources(input, json);
  if (!input.settings.seccomp_base64.empty()) {
    // Only that crun looks for the compiled filter; it compiles nothing itself.
    json.Key("seccomp").Begin().Key("defaultAction").String("SCMP_ACT_ALLOW").End();
  }
  json.Key("maskedPaths").Strings(kMaskedPaths);
  json.Key("readonlyPaths").Strings(kReadOnlyPaths);
  json.End();
}

void AddFile(ReplicaSpec& spec, const std::string& path, const std::string& contents,
             uint32_t mode) {
  RootFile& file = *spec.add_root_files();
  file.set_path(path);
  file.set_contents(contents);
  file.set_mode(mode);
}

void AddDirectory(ReplicaSpec& spec, const std::string& path, uint32_t mode) {
  RootFile& file = *spec.add_root_files();
  file.set_path(path);
  file.set_mode(mode);
  file.set_is_directory(true);
}

std::string HostsOf(const BundleInput& input) {
  const std::string& address = input.network.address;
  std::string hosts =
      absl::StrCat("127.0.0.1\tlocalhost\n", address.empty() ? "127.0.0.1" : address, "\t",
                   input.replica.host_name, "\n");
  for (const auto& [other, name] : input.settings.hosts) {
    absl::StrAppend(&hosts, other, "\t", name, "\n");
  }
  return hosts;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> CommandOf(const BundleInput& input) {
  const auto& pool = input.replica.pool;
  if (pool.has_python_package_spec()) return input.package_command;
  const auto& container = pool.container_spec();
  std::vector<std::string> command(container.command().begin(), container.command().end());
  std::vector<std::string> arguments(container.args().begin(), container.args().end());
  if (command.empty()) {
    command = input.image.entrypoint;
    if (arguments.empty()) arguments = input.image.command;
  }
  command.insert(command.end(), arguments.begin(), arguments.end());
  if (command.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("the image ", container.image_uri(),
                                                   " names no command, and the job gives none"));
  }
  return command;
}

std::vector<std::string> EnvironmentOf(const BundleInput& input) {
  std::vector<std::string> environment;
  std::map<std::string, size_t> places;
  auto add = [&](const std::string& name, const std::string& value) {
    auto [place, is_new] = places.emplace(name, environment.size());
    if (is_new) environment.emplace_back();
    environment[place->second] = absl::StrCat(name, "=", value);
  };
  add("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  if (input.image.uid == 0) add("HOME", "/root");
  for (const std::string& variable : input.image.environment) {
    size_t equals = variable.find('=');
    if (equals != std::string::npos) add(variable.substr(0, equals), variable.substr(equals + 1));
  }
  for (const auto& [name, value] : input.settings.environment) add(name, value);
  for (const auto& [name, value] : input.replica.environment) add(name, value);
  return environment;
}

absl::StatusOr<std::string> WriteConfig(const BundleInput& input) {
  absl::StatusOr<std::vector<std::string>> command = CommandOf(input);
  if (!command.ok()) return command.status();
  JsonWriter json;
  json.Begin();
  json.Key("ociVersion").String("1.0.0");
  WriteProcess(input, *command, json);
  json.Key("root").Begin().Key("path").String("rootfs").Key("readonly").Bool(false).End();
  json.Key("hostname").String(input.replica.host_name);
  WriteMounts(input, json);
  WriteLinux(input, json);
  if (!input.settings.seccomp_base64.empty()) {
    json.Key("annotations").Begin();
    json.Key("run.oci.seccomp_bpf_data").String(input.settings.seccomp_base64).End();
  }
  json.End();
  return json.text();
}

ReplicaSpec WriteSpec(const BundleInput& input) {
  const control::DesiredReplica& replica = input.replica;
  const ReplicaCgroups cgroups = CgroupsOf(input.cgroups, replica.replica_id);
  ReplicaSpec spec;
  spec.set_version(1);
  spec.set_replica_id(replica.replica_id);
  spec.set_task_name(replica.task_name);
  spec.set_directory(input.files.directory);
  spec.set_bundle_directory(input.files.bundle());
  spec.set_container_id(replica.replica_id);
  for (const std::string& directory : cgroups.directories) spec.add_cgroup_directories(directory);
  spec.set_log_directory(
      absl::StrCat(input.settings.log_root, "/", replica.job_id, "/", replica.task_name));
  if (auto command = CommandOf(input); command.ok()) spec.set_command_name(command->front());
  spec.set_stop_grace_ms(absl::ToInt64Milliseconds(replica.stop_grace));
  spec.set_crun_path(input.settings.crun_path);
  spec.set_crun_root(input.files.crun_root());
  if (replica.pool.has_python_package_spec()) spec.set_stage_path(kStageFile);
  spec.set_log_bytes_max(input.settings.log_bytes_max);
  spec.add_layers(input.settings.init_layer);
  for (const std::string& layer : input.image.layers) spec.add_layers(layer);
  spec.set_uid_base(input.settings.uid_base);
  spec.set_user_namespace_path(input.network.user_namespace_path);
  spec.set_network_namespace_path(input.network.network_namespace_path);
  spec.set_runner_cgroup_directory(cgroups.runner_directory);
  spec.set_hidden_mount_path(input.cgroups.hidden_mount);
  spec.set_mount_namespace_path(input.settings.mount_namespace_path);
  spec.set_network_name(input.network.name);
  spec.set_network_address(input.network.address);

  std::string resolver;
  for (const std::string& server : input.network.nameservers) {
    absl::StrAppend(&resolver, "nameserver ", server, "\n");
  }
  AddFile(spec, "/etc/hosts", HostsOf(input), 0644);
  AddFile(spec, "/etc/hostname", replica.host_name + "\n", 0644);
  AddFile(spec, "/etc/resolv.conf", resolver, 0644);
  // The directories that these are in, and those to mount at, are in the init layer.
  for (const BucketMount& bucket : input.buckets) AddDirectory(spec, "/gcs/" + bucket.name, 0755);
  // Whoever the job runs as may write it.
  if (!spec.stage_path().empty()) AddFile(spec, kStageFile, "", 0666);
  return spec;
}

}  // namespace trainyard::runtime
