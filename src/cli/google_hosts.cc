#include "cli/google_hosts.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "model/names.h"

namespace trainyard::cli {
namespace {

// The line without the names in `hosts`; empty when no name is left. Comments stay.
std::string WithoutHosts(absl::string_view line, const std::vector<std::string>& hosts) {
  const size_t comment = line.find('#');
  const std::vector<std::string> words =
      absl::StrSplit(line.substr(0, comment), absl::ByAnyChar(" \t"), absl::SkipEmpty());
  std::vector<std::string> kept;
  for (const std::string& word : words) {
    if (!std::binary_search(hosts.begin(), hosts.end(), absl::AsciiStrToLower(word))) {
      kept.push_back(word);
    }
  }
  if (kept.size() == words.size()) return std::string(line);
  return kept.size() < 2 ? "" : absl::StrJoin(kept, " ");
}

}  // namespace

std::vector<std::string> RedirectedHosts() {
  std::vector<std::string> hosts = {
      "aiplatform.eu.rep.googleapis.com", "aiplatform.googleapis.com",
      "aiplatform.us.rep.googleapis.com", "cloudresourcemanager.googleapis.com",
      "logging.googleapis.com",           "oauth2.googleapis.com",
      "storage.googleapis.com",           "www.googleapis.com"};
  for (const std::string& region : model::Regions()) {
    if (region != "global") hosts.push_back(absl::StrCat(region, "-aiplatform.googleapis.com"));
  }
  std::sort(hosts.begin(), hosts.end());
  return hosts;
}

std::string HostsFile(absl::string_view current, const std::vector<std::string>& hosts) {
  std::string text = "# Google's names lead to Trainyard (trainyard exec).\n";
  for (const std::string& host : hosts) {
    absl::StrAppend(&text, kMarkerIpv4, " ", host, "\n", kMarkerIpv6, " ", host, "\n");
  }
  for (const absl::string_view line : absl::StrSplit(absl::StripSuffix(current, "\n"), '\n')) {
    absl::StrAppend(&text, WithoutHosts(line, hosts), "\n");
  }
  return text;
}

std::string NameServiceSwitch(absl::string_view current) {
  std::string text;
  bool found = false;
  for (absl::string_view line : absl::StrSplit(absl::StripSuffix(current, "\n"), '\n')) {
    if (absl::ConsumePrefix(&line, "hosts:")) {
      found = true;
      const absl::string_view sources = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
      const bool first = sources == "files" || absl::StartsWith(sources, "files ");
      absl::StrAppend(&text, "hosts: ", first ? "" : "files ", sources, "\n");
    } else {
      absl::StrAppend(&text, line, "\n");
    }
  }
  return found ? text : absl::StrCat(text, "hosts: files dns\n");
}

}  // namespace trainyard::cli
