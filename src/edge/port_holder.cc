#include "edge/port_holder.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace trainyard::edge {
namespace {

constexpr absl::string_view kStateListen = "0A";

// The inodes of the sockets that listen on `port`, as /proc/net/tcp and tcp6 name them.
std::set<std::string> ListeningInodes(const char* table, int port) {
  std::set<std::string> inodes;
  std::ifstream file(table);
  std::string line;
  while (std::getline(file, line)) {
    // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode ...
    std::vector<std::string> fields = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (fields.size() < 10 || fields[3] != kStateListen) continue;
    uint64_t local_port = 0;
    std::string digits = fields[1].substr(fields[1].find(':') + 1);
    if (absl::SimpleHexAtoi(digits, &local_port) && local_port == static_cast<uint64_t>(port)) {
      inodes.insert(absl::StrCat("socket:[", fields[9], "]"));
    }
  }
  return inodes;
}

bool HoldsOneOf(const std::filesystem::path& process, const std::set<std::string>& inodes) {
  std::error_code error;
  std::filesystem::directory_iterator descriptors(process / "fd", error), end;
  for (; !error && descriptors != end; descriptors.increment(error)) {
    std::error_code gone;
    if (inodes.contains(std::filesystem::read_symlink(descriptors->path(), gone).string())) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string DescribePortHolder(int port) {
  std::set<std::string> inodes = ListeningInodes("/proc/net/tcp", port);
  inodes.merge(ListeningInodes("/proc/net/tcp6", port));
  if (inodes.empty()) return "";
  std::error_code error;
  std::filesystem::directory_iterator processes("/proc", error), end;
  for (; !error && processes != end; processes.increment(error)) {
    std::string pid = processes->path().filename().string();
    if (!std::isdigit(static_cast<unsigned char>(pid[0]))) continue;
    if (!HoldsOneOf(processes->path(), inodes)) continue;
    std::ifstream file(processes->path() / "comm");
    std::string name;
    std::getline(file, name);
    return absl::StrCat(name, " (pid ", pid, ")");
  }
  return "";
}

}  // namespace trainyard::edge
