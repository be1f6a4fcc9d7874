#include "runner/usage.h"

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace trainyard::runner {
namespace {

std::optional<uint64_t> ReadNumber(base::Disk& disk, const std::string& path) {
  absl::StatusOr<std::string> text = disk.Read(path);
  uint64_t number = 0;
  if (!text.ok() || !absl::SimpleAtoi(absl::StripAsciiWhitespace(*text), &number)) {
    return std::nullopt;
  }
  return number;
}

// A file of lines "NAME NUMBER".
std::optional<uint64_t> ReadField(base::Disk& disk, const std::string& path,
                                  absl::string_view name) {
  absl::StatusOr<std::string> text = disk.Read(path);
  if (!text.ok()) return std::nullopt;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    uint64_t number = 0;
    if (absl::ConsumePrefix(&line, name) && absl::ConsumePrefix(&line, " ") &&
        absl::SimpleAtoi(line, &number)) {
      return number;
    }
  }
  return std::nullopt;
}

}  // namespace

Usage ReadUsage(base::Disk& disk, const std::vector<std::string>& directories) {
  constexpr uint64_t kNanosecondsPerMicrosecond = 1000;
  Usage usage;
  for (const std::string& directory : directories) {
    for (const char* file : {"/memory.oom_control", "/memory.events"}) {
      if (ReadField(disk, directory + file, "oom_kill").value_or(0) > 0) usage.out_of_memory = true;
    }
    for (const char* file : {"/memory.max_usage_in_bytes", "/memory.peak"}) {
      usage.memory_peak_bytes =
          std::max(usage.memory_peak_bytes, ReadNumber(disk, directory + file).value_or(0));
    }
    if (auto ns = ReadNumber(disk, directory + "/cpuacct.usage")) {
      usage.cpu_us = *ns / kNanosecondsPerMicrosecond;
    } else if (auto us = ReadField(disk, directory + "/cpu.stat", "usage_usec")) {
      usage.cpu_us = *us;
    }
  }
  return usage;
}

}  // namespace trainyard::runner
