// One HTTP/1.1 request. However its bytes are cut, the same request must be read, or the same
// refusal given: anything else could be smuggled past.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/log.h"
#include "edge/http_body.h"
#include "edge/http_parser.h"

namespace {

using trainyard::edge::HeadScan;
using trainyard::edge::HttpBodyDecoder;
using trainyard::edge::ReadHead;
using trainyard::edge::RequestHead;
using trainyard::edge::ScanHead;

struct Reading {
  int fault = 0;  // 0: none
  RequestHead head;
  std::string body;
  size_t used = 0;
  bool done = false;
};

void ReadBody(const std::string& bytes, size_t step, size_t room, Reading& reading) {
  HttpBodyDecoder decoder(reading.head);
  std::string unread, output(room, '\0');
  size_t fed = reading.used;
  while (!decoder.done()) {
    HttpBodyDecoder::Step taken = decoder.Read(unread, output.data(), room);
    CHECK(taken.consumed <= unread.size() && taken.produced <= room);
    unread.erase(0, taken.consumed);
    reading.used += taken.consumed;
    reading.body.append(output, 0, taken.produced);
    if (taken.fault) reading.fault = taken.fault->status;
    if (taken.fault || decoder.done()) break;
    if (taken.produced > 0) continue;
    if (fed == bytes.size()) break;
    unread.append(bytes, fed, step);
    fed = std::min(bytes.size(), fed + step);
  }
  reading.done = decoder.done();
}

Reading Read(const std::string& bytes, size_t step, size_t room) {
  Reading reading;
  HeadScan scan;
  size_t scanned = 0;
  for (size_t length = std::min(step, bytes.size()); !scan.end && !scan.fault;
       length = std::min(length + step, bytes.size())) {
    scan = ScanHead(absl::string_view(bytes).substr(0, length), scanned);
    if (length == bytes.size()) break;
  }
  if (scan.fault) reading.fault = scan.fault->status;
  if (scan.fault || !scan.end) return reading;
  auto fault = ReadHead(absl::string_view(bytes).substr(0, *scan.end), reading.head);
  if (fault) {
    reading.fault = fault->status;
    return reading;
  }
  reading.used = *scan.end;
  CHECK(!reading.head.method.empty() && !reading.head.path.empty());
  ReadBody(bytes, step, room, reading);
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  Reading whole = Read(bytes, bytes.size() + 1, bytes.size() + 1);
  Reading cut = Read(bytes, data[0] % 16 + 1, data[1] % 16 + 1);
  CHECK(whole.fault == cut.fault && whole.done == cut.done);
  if (whole.fault != 0) return 0;
  CHECK(whole.used == cut.used && whole.body == cut.body);
  CHECK(whole.head.path == cut.head.path && whole.head.headers == cut.head.headers);
  return 0;
}
