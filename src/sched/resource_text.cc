#include "sched/resource_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace trainyard::sched {
namespace {

constexpr size_t kNamesShown = 3;

// At most two decimals, rounded down so that a text never promises more than there is.
std::string Decimal(int64_t amount, int64_t unit) {
  int64_t hundredths = amount / unit * 100 + amount % unit * 100 / unit;
  std::string text = absl::StrFormat("%d.%02d", hundredths / 100, hundredths % 100);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

std::string CpuText(int64_t cpu_milli) { return Decimal(std::max<int64_t>(cpu_milli, 0), 1000); }

std::string MemoryText(int64_t bytes) {
  constexpr int64_t kMebibyte = int64_t{1} << 20;
  constexpr int64_t kGibibyte = int64_t{1} << 30;
  if (bytes > 0 && bytes < kGibibyte) return absl::StrCat(Decimal(bytes, kMebibyte), " MiB");
  return absl::StrCat(Decimal(std::max<int64_t>(bytes, 0), kGibibyte), " GiB");
}

std::string ShortName(absl::string_view name) {
  return std::string(name.substr(name.rfind('/') + 1));
}

std::string NamesText(const std::vector<std::string>& names) {
  std::string text;
  size_t shown = std::min(names.size(), kNamesShown);
  for (size_t i = 0; i < shown; ++i) {
    bool last = i + 1 == names.size();
    absl::StrAppend(&text, i == 0 ? "" : last ? " and " : ", ", ShortName(names[i]));
  }
  if (names.size() > shown) absl::StrAppend(&text, " and ", names.size() - shown, " more");
  return text;
}

}  // namespace trainyard::sched
