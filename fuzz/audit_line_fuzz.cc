// Any bytes in every text of an audit record: one line of JSON, after which the chain goes on.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/fake_disk.h"
#include "base/log.h"
#include "edge/identity.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace edge = trainyard::edge;
namespace base = trainyard::base;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  edge::AuditRecord record;
  record.call.caller = {text, text};
  record.call.method = record.call.peer = record.permission = record.resource = text;
  record.status = absl::InternalError(text);
  const std::string line = edge::AuditLine(record, 1, std::string(64, '0'));
  CHECK(line.find('\n') == std::string::npos);
  google::protobuf::Struct fields;
  CHECK(google::protobuf::util::JsonStringToMessage(line, &fields).ok());

  base::FakeClock clock;
  base::FakeDisk disk(clock);
  for (int opened = 0; opened < 2; ++opened) {
    auto audit =
        edge::OpenAuditFile(disk, "/audit", clock, std::make_unique<base::FakeExecutor>(clock));
    CHECK(audit.ok());
    (*audit)->Record(record);
    (*audit)->Record(record);
  }
  const auto summary = edge::VerifyAuditFile(disk, "/audit");
  CHECK(summary.ok() && summary->records == 4 && summary->torn_bytes == 0);
  return 0;
}
