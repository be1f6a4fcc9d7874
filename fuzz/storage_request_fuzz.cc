// What a request to the object store's API says of itself: path, ranges, names, multipart body.
//
// The input is the body; its first line is the path, its second the header Range or Content-Range.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "api/multipart.h"
#include "api/storage_json.h"
#include "api/storage_request.h"
#include "base/log.h"

namespace {

using trainyard::api::ByteRange;
using trainyard::api::MultipartReader;
using trainyard::api::RangeKind;

class ChunkedBody : public trainyard::edge::BodyReader {
 public:
  ChunkedBody(absl::string_view bytes, size_t chunk) : bytes_(bytes), chunk_(chunk) {}
  absl::StatusOr<std::string> Read(size_t length) override {
    std::string bytes(bytes_.substr(0, std::min(length, chunk_)));
    bytes_.remove_prefix(bytes.size());
    return bytes;
  }

 private:
  absl::string_view bytes_;
  const size_t chunk_;
};

std::string TakeLine(absl::string_view& text) {
  size_t end = std::min(text.find('\n'), text.size());
  std::string line(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// What is read must not depend on how it came.
std::string ReadMultipart(absl::string_view bytes, size_t chunk, size_t length) {
  ChunkedBody body(bytes, chunk);
  auto reader = MultipartReader::Create("multipart/related; boundary=B", body);
  CHECK(reader.ok());
  auto json = reader->ReadJson(1 << 20);
  if (!json.ok()) return "no JSON";
  auto type = reader->ReadContentType();
  if (!type.ok()) return "no bytes";
  std::string result = absl::StrCat(*json, "\n", *type, "\n");
  while (true) {
    auto piece = reader->ReadBytes(length);
    if (!piece.ok()) return "cut";
    if (piece->empty()) return result;
    result += *piece;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  absl::string_view input(reinterpret_cast<const char*>(data), size);
  trainyard::api::ParseStorageTarget(TakeLine(input)).status().IgnoreError();
  std::string header = TakeLine(input);
  for (uint64_t object_bytes : {uint64_t{0}, uint64_t{10}, UINT64_MAX}) {
    ByteRange range;
    if (trainyard::api::ParseRange(header, object_bytes, range) != RangeKind::kPart) continue;
    CHECK(range.first < range.end && range.end <= object_bytes);
  }
  auto content_range = trainyard::api::ParseContentRange(header);
  if (content_range.ok() && content_range->has_bytes) {
    CHECK(content_range->first < content_range->end);
    CHECK(!content_range->total.has_value() || content_range->end <= *content_range->total);
  }
  trainyard::objects::ObjectAttributes attributes;
  auto json = trainyard::api::ParseJsonObject(std::string(input));
  if (json.ok()) trainyard::api::ApplyObjectJson(*json, attributes).IgnoreError();
  std::string whole = ReadMultipart(input, SIZE_MAX, 1 << 20);
  CHECK(ReadMultipart(input, 1, 3) == whole);
  CHECK(ReadMultipart(input, 7, 1) == whole);
  return 0;
}
