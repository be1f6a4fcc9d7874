// A log directory after anything at all happened to its files.
//
// The first byte chooses: even, the rest is a segment's bytes as they are; odd, the rest is a
// script that writes a log, damages it, and knows what the truth was.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/fake_disk.h"
#include "base/log.h"
#include "logs/logs.h"

namespace {

using trainyard::base::FakeClock;
using trainyard::base::FakeDisk;
using trainyard::logs::Cursor;
using trainyard::logs::Reader;
using trainyard::logs::ReadOptions;
using trainyard::logs::Stream;
using trainyard::logs::TaskLine;
using trainyard::logs::Writer;

constexpr char kDirectory[] = "/logs/1/t";
constexpr char kSegment[] = "/logs/1/t/0000000000000001.log";

class Input {
 public:
  explicit Input(absl::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint32_t Take(int count) {
    uint32_t value = 0;
    for (; count > 0 && !bytes_.empty(); --count, bytes_.remove_prefix(1)) {
      value = value << 8 | static_cast<uint8_t>(bytes_[0]);
    }
    return value;
  }

 private:
  absl::string_view bytes_;
};

std::vector<TaskLine> ReadAll(FakeDisk& disk, bool newest_first) {
  Reader reader(disk, "/logs");
  Cursor cursor;
  std::vector<TaskLine> all;
  while (true) {
    auto page = reader.Read("1", cursor, {.lines_max = 50, .newest_first = newest_first});
    CHECK(page.ok());
    if (page->empty()) return all;
    all.insert(all.end(), page->begin(), page->end());
  }
}

std::unique_ptr<Writer> Open(FakeDisk& disk, FakeClock& clock) {
  auto writer = Writer::Open(disk, clock, {.directory = kDirectory, .bytes_max = 64 << 20});
  CHECK(writer.ok());
  return *std::move(writer);
}

// Both directions agree, sequences grow, and a writer can go on.
std::vector<TaskLine> CheckReadable(FakeDisk& disk, FakeClock& clock) {
  std::vector<TaskLine> forward = ReadAll(disk, false);
  std::vector<TaskLine> backward = ReadAll(disk, true);
  std::reverse(backward.begin(), backward.end());
  CHECK(forward.size() == backward.size());
  for (size_t i = 0; i < forward.size(); ++i) {
    CHECK(forward[i].line.sequence == backward[i].line.sequence);
    CHECK(forward[i].line.text == backward[i].line.text);
    CHECK(i == 0 || forward[i].line.sequence > forward[i - 1].line.sequence);
  }
  std::unique_ptr<Writer> writer = Open(disk, clock);
  CHECK(writer->AppendLine(Stream::kStdout, "the end", false).ok());
  CHECK(writer->Flush().ok());
  std::vector<TaskLine> repaired = ReadAll(disk, false);
  CHECK(!repaired.empty() && repaired.back().line.text == "the end");
  return repaired;
}

std::string TextOf(uint64_t sequence, size_t length) {
  std::string text = absl::StrCat(sequence, ":");
  text.resize(std::max(length, text.size()), static_cast<char>('a' + sequence % 26));
  return text;
}

void RunScript(Input input) {
  FakeClock clock;
  FakeDisk disk(clock);
  std::unique_ptr<Writer> writer = Open(disk, clock);
  std::vector<size_t> lengths(input.Take(1) % 64);
  for (size_t i = 0; i < lengths.size(); ++i) {
    uint32_t choice = input.Take(1);
    lengths[i] = choice < 200 ? choice : (choice - 199) * 700;
    clock.Advance(absl::Milliseconds(choice % 3));
    CHECK(writer->AppendLine(Stream::kStdout, TextOf(i + 1, lengths[i]), false).ok());
  }
  CHECK(writer->Flush().ok());
  writer.reset();
  std::string bytes = *disk.Read(kSegment);
  while (!input.empty() && !bytes.empty()) {
    uint32_t value = input.Take(1);
    size_t at = input.Take(3) % bytes.size();
    if (value == 0) {
      bytes.resize(at);
    } else if (value == 1) {
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(), '\0');
    } else {
      bytes[at] = static_cast<char>(bytes[at] ^ static_cast<char>(value));
    }
  }
  CHECK(disk.WriteAtomically(kSegment, bytes, 0600).ok());
  for (const TaskLine& item : CheckReadable(disk, clock)) {
    if (item.line.stream == Stream::kService || item.line.text == "the end") continue;
    CHECK(item.line.sequence <= lengths.size());
    CHECK(item.line.text == TextOf(item.line.sequence, lengths[item.line.sequence - 1]));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (data[0] % 2 == 1) {
    RunScript(Input(bytes.substr(1)));
    return 0;
  }
  FakeClock clock;
  FakeDisk disk(clock);
  CHECK(disk.MakeDirectories(kDirectory, 0700).ok());
  CHECK(disk.WriteAtomically(kSegment, bytes.substr(1), 0600).ok());
  CheckReadable(disk, clock);
  return 0;
}
