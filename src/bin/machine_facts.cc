#include "bin/machine_facts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <climits>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status.h"

namespace trainyard::bin {
namespace {

absl::StatusOr<int64_t> MemoryTotalBytes(base::Disk& disk) {
  ASSIGN_OR_RETURN(std::string text, disk.Read("/proc/meminfo"));
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "MemTotal:") || !absl::ConsumeSuffix(&line, "kB")) continue;
    int64_t kib = 0;
    if (absl::SimpleAtoi(line, &kib)) return kib << 10;
  }
  return absl::InternalError("/proc/meminfo has no MemTotal");
}

}  // namespace

absl::StatusOr<sched::Machine> MachineOf(base::Disk& disk, const ServerConfig& config) {
  sched::Machine machine;
  machine.placement =
      config.placement == "strict" ? sched::Placement::kStrict : sched::Placement::kShare;
  machine.capacity.cpu_milli = config.cpus > 0 ? static_cast<int64_t>(config.cpus * 1000)
                                               : sysconf(_SC_NPROCESSORS_ONLN) * 1000;
  if (config.memory_bytes > 0) {
    machine.capacity.memory_bytes = static_cast<int64_t>(config.memory_bytes);
  } else {
    ASSIGN_OR_RETURN(int64_t total, MemoryTotalBytes(disk));
    machine.capacity.memory_bytes = total / 10 * 9;
  }
  return machine;
}

absl::StatusOr<std::string> ResolveListen(const std::string& listen) {
  if (!absl::EndsWith(listen, ":0")) return listen;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  socklen_t size = sizeof(address);
  bool bound = fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
               getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  absl::Status status = bound ? absl::OkStatus() : base::ErrnoStatus(errno, "find a free port");
  if (fd >= 0) close(fd);
  RETURN_IF_ERROR(status);
  return absl::StrCat(listen.substr(0, listen.size() - 1), ntohs(address.sin_port));
}

absl::StatusOr<std::string> ProgramDirectory() {
  char path[PATH_MAX];
  ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  if (size <= 0) return base::ErrnoStatus(errno, "/proc/self/exe");
  std::string program(path, static_cast<size_t>(size));
  return program.substr(0, program.rfind('/'));
}

absl::StatusOr<std::string> FindProgram(base::Disk& disk, const std::string& name) {
  for (const char* directory : {"/usr/local/bin/", "/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/"}) {
    std::string path = directory + name;
    if (disk.Stat(path).ok()) return path;
  }
  return absl::FailedPreconditionError(
      absl::StrCat(name, " is missing: apt-get install ", name,
                   " (`trainyard doctor` shows all that is missing)"));
}

}  // namespace trainyard::bin
