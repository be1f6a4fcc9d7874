#include "cli/google_hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace trainyard::cli {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

TEST(RedirectedHostsTest, HasTheServicesOfTheMainPath) {
  const std::vector<std::string> hosts = RedirectedHosts();
  EXPECT_TRUE(std::is_sorted(hosts.begin(), hosts.end()));
  for (const char* host :
       {"aiplatform.googleapis.com", "us-central1-aiplatform.googleapis.com",
        "asia-east1-aiplatform.googleapis.com", "storage.googleapis.com", "oauth2.googleapis.com",
        "logging.googleapis.com", "cloudresourcemanager.googleapis.com", "www.googleapis.com"}) {
    EXPECT_THAT(hosts, Contains(host));
  }
  EXPECT_THAT(hosts, Not(Contains("global-aiplatform.googleapis.com")));
}

TEST(HostsFileTest, PutsTheNamesAtTheMarkersAndNowhereElse) {
  const std::string text = HostsFile(
      "127.0.0.1\tlocalhost\n"
      "10.0.0.1 b.com other  # comment\n"
      "10.0.0.2 A.COM\n"
      "# 10.0.0.3 a.com\n",
      {"a.com", "b.com"});
  EXPECT_EQ(text,
            "# Google's names lead to Trainyard (trainyard exec).\n"
            "127.84.89.68 a.com\nfd54:7261:696e:7961:7264::1 a.com\n"
            "127.84.89.68 b.com\nfd54:7261:696e:7961:7264::1 b.com\n"
            "127.0.0.1\tlocalhost\n"
            "10.0.0.1 other\n"
            "\n"
            "# 10.0.0.3 a.com\n");
}

TEST(NameServiceSwitchTest, AsksTheHostsFileFirst) {
  const std::pair<const char*, const char*> cases[] = {
      {"passwd: files\nhosts: files dns\n", "passwd: files\nhosts: files dns\n"},
      {"hosts:\tmymachines resolve [!UNAVAIL=return] files dns # x\n",
       "hosts: files mymachines resolve [!UNAVAIL=return] files dns\n"},
      {"hosts: dns\n", "hosts: files dns\n"},
      {"passwd: files\n", "passwd: files\nhosts: files dns\n"},
  };
  for (const auto& [before, after] : cases) EXPECT_EQ(NameServiceSwitch(before), after);
}

}  // namespace
}  // namespace trainyard::cli
