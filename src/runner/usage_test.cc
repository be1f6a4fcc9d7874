#include "runner/usage.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/fake_disk.h"

namespace trainyard::runner {
namespace {

struct Case {
  const char* name;
  std::vector<std::pair<std::string, std::string>> files;
  std::vector<std::string> directories;
  Usage want;
};

TEST(Usage, ReadsBothVersions) {
  const Case cases[] = {
      {"v1",
       {{"/m/j/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"},
        {"/m/j/memory.max_usage_in_bytes", "67108864\n"},
        {"/c/j/cpuacct.usage", "1234567\n"}},
       {"/m/j", "/c/j"},
       {true, 67108864, 1234}},
      {"v1, not out of memory",
       {{"/m/j/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n"}},
       {"/m/j"},
       {false, 0, 0}},
      {"v2",
       {{"/u/j/memory.events", "low 0\nmax 4\noom 1\noom_kill 1\noom_group_kill 0\n"},
        {"/u/j/memory.peak", "4096\n"},
        {"/u/j/cpu.stat", "usage_usec 77\nuser_usec 70\n"}},
       {"/u/j"},
       {true, 4096, 77}},
      {"v2, another counter's name begins alike",
       {{"/u/j/memory.events", "oom 3\noom_kill 0\noom_group_kill 9\n"}},
       {"/u/j"},
       {false, 0, 0}},
      {"nothing there", {}, {"/u/j"}, {}},
      {"no numbers", {{"/u/j/memory.peak", "max\n"}, {"/u/j/cpu.stat", "usage_usec\n"}}, {"/u/j"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    base::FakeClock clock;
    base::FakeDisk disk(clock);
    for (const auto& [path, contents] : c.files) {
      ASSERT_TRUE(disk.MakeDirectories(path.substr(0, path.rfind('/')), 0755).ok());
      ASSERT_TRUE(disk.WriteAtomically(path, contents, 0644).ok());
    }
    Usage usage = ReadUsage(disk, c.directories);
    EXPECT_EQ(usage.out_of_memory, c.want.out_of_memory);
    EXPECT_EQ(usage.memory_peak_bytes, c.want.memory_peak_bytes);
    EXPECT_EQ(usage.cpu_us, c.want.cpu_us);
  }
}

}  // namespace
}  // namespace trainyard::runner
