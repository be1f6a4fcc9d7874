#include "base/log.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace trainyard::base {

void Log(Severity severity, absl::string_view text) {
  constexpr char kLetters[] = {'I', 'W', 'E'};
  std::string line =
      absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone()), " ",
                   absl::string_view(&kLetters[static_cast<int>(severity)], 1), " ", text, "\n");
  // One write(2) per line: lines of several threads never mix.
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

void FailCheck(const char* file, int line, const char* expression) {
  Log(Severity::kError, absl::StrCat("CHECK failed at ", file, ":", line, ": ", expression));
  std::abort();
}

}  // namespace trainyard::base
