#include "api/multipart.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status.h"

namespace trainyard::api {
namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr size_t kLineBytesMax = 8 << 10;
constexpr int kHeadersMax = 32;
constexpr size_t kBoundaryBytesMax = 256;

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("Malformed multipart body: ", what, "."));
}

}  // namespace

absl::StatusOr<MultipartReader> MultipartReader::Create(absl::string_view content_type,
                                                        edge::BodyReader& body) {
  for (absl::string_view parameter : absl::StrSplit(content_type, ';')) {
    parameter = absl::StripAsciiWhitespace(parameter);
    if (!absl::StartsWithIgnoreCase(parameter, "boundary=")) continue;
    absl::string_view value = parameter.substr(9);
    if (value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0]) {
      value = value.substr(1, value.size() - 2);
    }
    if (value.empty() || value.size() > kBoundaryBytesMax) break;
    return MultipartReader(absl::StrCat("--", value), body);
  }
  return Malformed("the header Content-Type has no boundary");
}

absl::StatusOr<bool> MultipartReader::Fill(size_t length) {
  while (buffer_.size() < length) {
    ASSIGN_OR_RETURN(std::string more, body_->Read(kReadBytes));
    if (more.empty()) return false;
    buffer_ += more;
  }
  return true;
}

absl::StatusOr<std::string> MultipartReader::ReadLine() {
  while (true) {
    size_t end = buffer_.find('\n');
    if (std::min(end, buffer_.size()) > kLineBytesMax) return Malformed("a header is too long");
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end + 1);
      buffer_.erase(0, end + 1);
      return line;
    }
    ASSIGN_OR_RETURN(bool more, Fill(buffer_.size() + 1));
    if (!more) return Malformed("it ends within a header");
  }
}

absl::StatusOr<std::string> MultipartReader::ReadHeaders() {
  std::string content_type;
  for (int count = 0; count <= kHeadersMax; ++count) {
    ASSIGN_OR_RETURN(std::string line, ReadLine());
    absl::string_view header = absl::StripTrailingAsciiWhitespace(line);
    if (header.empty()) return content_type;
    std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(header, absl::MaxSplits(':', 1));
    if (absl::EqualsIgnoreCase(parts.first, "content-type")) {
      content_type = std::string(absl::StripAsciiWhitespace(parts.second));
    }
  }
  return Malformed("a part has too many headers");
}

absl::StatusOr<std::string> MultipartReader::ReadJson(size_t length_max) {
  // An empty line may come before the first boundary.
  std::string line;
  do {
    ASSIGN_OR_RETURN(line, ReadLine());
  } while (absl::StripAsciiWhitespace(line).empty());
  if (absl::StripTrailingAsciiWhitespace(line) != boundary_) {
    return Malformed("it does not start with its boundary");
  }
  delimiter_ = absl::StrCat(absl::EndsWith(line, "\r\n") ? "\r\n" : "\n", boundary_);
  RETURN_IF_ERROR(ReadHeaders().status());
  std::string json;
  while (!ended_) {
    ASSIGN_OR_RETURN(std::string bytes, ReadPart(kReadBytes));
    json += bytes;
    if (json.size() > length_max) return Malformed("its JSON part is too long");
  }
  return json;
}

absl::StatusOr<std::string> MultipartReader::ReadContentType() {
  ASSIGN_OR_RETURN(std::string line, ReadLine());  // what follows the boundary
  if (absl::StartsWith(line, "--")) return Malformed("it has one part, not two");
  ASSIGN_OR_RETURN(std::string content_type, ReadHeaders());
  ended_ = false;
  return content_type;
}

absl::StatusOr<std::string> MultipartReader::ReadBytes(size_t length) {
  if (ended_) return std::string();
  return ReadPart(length);
}

absl::StatusOr<std::string> MultipartReader::ReadPart(size_t length) {
  while (true) {
    size_t end = buffer_.find(delimiter_);
    if (end != std::string::npos && end <= length) {
      std::string bytes = buffer_.substr(0, end);
      buffer_.erase(0, end + delimiter_.size());
      ended_ = true;
      return bytes;
    }
    // What may be the start of the delimiter waits for more.
    size_t sure = std::min(end, buffer_.size() - std::min(buffer_.size(), delimiter_.size() - 1));
    if (sure > 0) {
      std::string bytes = buffer_.substr(0, std::min(sure, length));
      buffer_.erase(0, bytes.size());
      return bytes;
    }
    ASSIGN_OR_RETURN(bool more, Fill(buffer_.size() + 1));
    if (!more) return Malformed("it ends without its boundary");
  }
}

}  // namespace trainyard::api
