// Log lines of one replica: bytes a second to the disk, and how long until a follower has a line.
//
//   logs_bench [DIRECTORY] [MEBIBYTES]
//
// Prints one JSON object. The bound is the disk itself: the same bytes by plain write(2) and
// fdatasync(2) in the same directory, in the same run.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/executor.h"
#include "base/log.h"
#include "logs/logs.h"

namespace {

using trainyard::base::AppendFile;
using trainyard::base::RealClock;
using trainyard::base::RealDisk;
using trainyard::logs::Cursor;
using trainyard::logs::Reader;
using trainyard::logs::Stream;
using trainyard::logs::TaskLine;
using trainyard::logs::Writer;

constexpr size_t kLineBytes = 100;  // with its newline
constexpr size_t kPipeBytes = 64 << 10;
constexpr int kFollowedLines = 1000;

std::string Lines() {
  std::string bytes;
  while (bytes.size() + kLineBytes <= kPipeBytes) {
    bytes += std::string(kLineBytes - 1, static_cast<char>('a' + bytes.size() % 26)) + "\n";
  }
  return bytes;
}

double MegabytesPerSecond(uint64_t bytes, absl::Duration duration) {
  return static_cast<double>(bytes) / 1e6 / absl::ToDoubleSeconds(duration);
}

double MeasurePlainFile(RealDisk& disk, const std::string& path, uint64_t bytes_total) {
  RealClock clock;
  std::string chunk = Lines();
  absl::Duration start = clock.Monotonic();
  auto file = disk.OpenAppend(path, 0600);
  CHECK(file.ok());
  for (uint64_t bytes = 0; bytes < bytes_total; bytes += chunk.size()) {
    CHECK((*file)->Append(chunk).ok());
  }
  CHECK((*file)->Sync().ok());
  return MegabytesPerSecond(bytes_total, clock.Monotonic() - start);
}

double MeasureWriter(RealDisk& disk, const std::string& root, uint64_t bytes_total) {
  RealClock clock;
  std::string chunk = Lines();
  absl::Duration start = clock.Monotonic();
  auto writer =
      Writer::Open(disk, clock, {.directory = root + "/1/t", .bytes_max = 4 * bytes_total});
  CHECK(writer.ok());
  for (uint64_t bytes = 0; bytes < bytes_total; bytes += chunk.size()) {
    CHECK((*writer)->AppendBytes(Stream::kStdout, chunk).ok());
  }
  CHECK((*writer)->Sync().ok());
  return MegabytesPerSecond(bytes_total, clock.Monotonic() - start);
}

double MeasureReader(RealDisk& disk, const std::string& root, uint64_t bytes_total) {
  RealClock clock;
  Reader reader(disk, root);
  Cursor cursor;
  uint64_t bytes = 0;
  absl::Duration start = clock.Monotonic();
  while (true) {
    auto lines = reader.Read("1", cursor, {.lines_max = 10'000});
    CHECK(lines.ok());
    if (lines->empty()) break;
    for (const TaskLine& line : *lines) bytes += line.line.text.size() + 1;
  }
  CHECK(bytes >= bytes_total);
  return MegabytesPerSecond(bytes, clock.Monotonic() - start);
}

// A writer appends and flushes a line each millisecond; a follower polls behind a log of the size
// that is there already. The time from before the append until the follower holds the line.
std::vector<double> MeasureFollower(RealDisk& disk, const std::string& root) {
  RealClock clock;
  Reader reader(disk, root);
  Cursor cursor;
  CHECK(reader.Read("1", cursor, {.lines_max = 1, .newest_first = true}).ok());
  std::vector<double> delays_ms;
  std::atomic<bool> done = false;
  trainyard::base::ThreadExecutor thread("writer");
  thread.Post([&] {
    auto writer = Writer::Open(disk, clock, {.directory = root + "/1/t", .bytes_max = 8ull << 30});
    CHECK(writer.ok());
    for (int i = 0; i < kFollowedLines; ++i) {
      std::string text = absl::StrCat(absl::ToInt64Nanoseconds(clock.Monotonic()));
      CHECK((*writer)->AppendLine(Stream::kStdout, text, false).ok());
      CHECK((*writer)->Flush().ok());
      usleep(1000);
    }
    done = true;
  });
  while (true) {
    bool last = done;
    auto lines = reader.Read("1", cursor, {});
    CHECK(lines.ok());
    double now_ms = absl::ToDoubleMilliseconds(clock.Monotonic());
    for (const TaskLine& line : *lines) {
      delays_ms.push_back(now_ms - std::atof(line.line.text.c_str()) / 1e6);
    }
    if (last && lines->empty()) break;
    usleep(1000);
  }
  std::sort(delays_ms.begin(), delays_ms.end());
  return delays_ms;
}

}  // namespace

int main(int argc, char** argv) {
  std::string directory = argc > 1 ? argv[1] : "/var/tmp";
  uint64_t bytes_total = static_cast<uint64_t>(argc > 2 ? std::atoi(argv[2]) : 1024) << 20;
  std::string root = absl::StrCat(directory, "/logs_bench.", getpid());
  RealDisk disk;
  CHECK(disk.MakeDirectories(root, 0700).ok());
  double plain = MeasurePlainFile(disk, root + "/plain", bytes_total);
  CHECK(disk.Remove(root + "/plain").ok());
  double writer = MeasureWriter(disk, root, bytes_total);
  double reader = MeasureReader(disk, root, bytes_total);
  std::vector<double> delays_ms = MeasureFollower(disk, root);
  CHECK(disk.RemoveTree(root).ok());
  CHECK(delays_ms.size() == static_cast<size_t>(kFollowedLines) + 1 ||
        delays_ms.size() == static_cast<size_t>(kFollowedLines));
  std::printf(
      "{\"line_bytes\": %zu, \"bytes\": %llu, \"plain_file_mb_s\": %.0f, \"writer_mb_s\": %.0f, "
      "\"reader_mb_s\": %.0f, \"follow_ms\": {\"p50\": %.2f, \"p99\": %.2f, \"max\": %.2f}}\n",
      kLineBytes, static_cast<unsigned long long>(bytes_total), plain, writer, reader,
      delays_ms[delays_ms.size() / 2], delays_ms[delays_ms.size() * 99 / 100], delays_ms.back());
  return 0;
}
