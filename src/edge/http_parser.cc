#include "edge/http_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace trainyard::edge {
namespace http = boost::beast::http;
namespace {

constexpr size_t kHeadersMax = 200;

absl::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

// "/a?b" of "/a?b" and of "https://host/a?b"; nullopt for any other form.
std::optional<absl::string_view> PathAndQuery(absl::string_view method, absl::string_view target) {
  if (method == "OPTIONS" && target == "*") return target;
  for (absl::string_view scheme : {"https://", "http://"}) {
    if (!absl::StartsWithIgnoreCase(target, scheme)) continue;
    size_t slash = target.find_first_of("/?", scheme.size());
    if (slash == absl::string_view::npos || target[slash] == '?') return std::nullopt;
    target.remove_prefix(slash);
    break;
  }
  if (target.empty() || target[0] != '/' || absl::StrContains(target, '#')) return std::nullopt;
  return target;
}

std::vector<absl::string_view> ValuesOf(const Headers& headers, absl::string_view name) {
  std::vector<absl::string_view> values;
  for (const auto& [key, value] : headers) {
    if (key == name) values.push_back(value);
  }
  return values;
}

std::optional<HttpFault> CheckFraming(RequestHead& request) {
  std::vector<absl::string_view> lengths = ValuesOf(request.headers, "content-length");
  std::vector<absl::string_view> codings = ValuesOf(request.headers, "transfer-encoding");
  if (lengths.size() > 1 || codings.size() > 1) {
    return HttpFault{400, "Content-Length and Transfer-Encoding may be given once."};
  }
  if (!lengths.empty() && !codings.empty()) {
    return HttpFault{400, "Content-Length and Transfer-Encoding exclude each other."};
  }
  if (!codings.empty()) {
    if (!request.http11) return HttpFault{400, "HTTP/1.0 has no Transfer-Encoding."};
    if (!absl::EqualsIgnoreCase(codings[0], "chunked")) {
      return HttpFault{501, "The only Transfer-Encoding here is chunked."};
    }
    request.has_body = true;
  }
  if (!lengths.empty()) {
    bool digits = !lengths[0].empty() && lengths[0].size() <= 18 &&
                  std::all_of(lengths[0].begin(), lengths[0].end(), absl::ascii_isdigit);
    if (!digits) return HttpFault{400, "Content-Length is no number."};
    uint64_t length = 0;
    for (char digit : lengths[0]) length = length * 10 + static_cast<uint64_t>(digit - '0');
    request.content_length = length;
    request.has_body = length > 0;
  }
  return std::nullopt;
}

std::optional<HttpFault> CheckHeaders(RequestHead& request) {
  if (request.headers.size() > kHeadersMax) {
    return HttpFault{431, absl::StrCat("A request may have ", kHeadersMax, " header lines.")};
  }
  size_t hosts = ValuesOf(request.headers, "host").size();
  if (hosts > 1 || (hosts == 0 && request.http11)) {
    return HttpFault{400, "HTTP/1.1 requires one Host header."};
  }
  absl::string_view expect = request.Header("expect");
  if (!expect.empty() && !absl::EqualsIgnoreCase(expect, "100-continue")) {
    return HttpFault{417, "The only expectation known here is 100-continue."};
  }
  request.expects_continue = !expect.empty() && request.http11;
  return CheckFraming(request);
}

// Boost joins continuation lines silently, so they are looked for before it sees them.
bool HasContinuationLine(absl::string_view head) {
  return absl::StrContains(head, "\n ") || absl::StrContains(head, "\n\t");
}

}  // namespace

absl::string_view RequestHead::Header(absl::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return "";
}

HeadScan ScanHead(absl::string_view bytes, size_t& scanned) {
  while (true) {
    size_t line_end = bytes.find('\n', scanned);
    if (line_end == absl::string_view::npos) {
      scanned = bytes.size();
      return {};
    }
    scanned = line_end + 1;
    if (line_end == 0 || bytes[line_end - 1] != '\r') {
      return {.fault = HttpFault{400, "Each line of the head ends in CR LF."}};
    }
    if (line_end >= 3 && bytes[line_end - 2] == '\n') return {.end = scanned};
  }
}

std::optional<HttpFault> ReadHead(absl::string_view head, RequestHead& request) {
  if (HasContinuationLine(head)) return HttpFault{400, "A header value stands on one line."};
  http::request_parser<http::empty_body> parser;
  parser.header_limit(static_cast<uint32_t>(base::limits::kHeaderBytesMax));
  parser.skip(true);  // the body is another's
  boost::beast::error_code error;
  parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error == http::error::bad_version) {
    return HttpFault{505, "This port speaks HTTP/1.1."};
  }
  if (error || !parser.is_header_done()) {
    return HttpFault{
        400,
        absl::StrCat("This is no HTTP request: ", error ? error.message() : "it ends early", ".")};
  }
  const auto& message = parser.get();
  request.method = std::string(View(message.method_string()));
  std::optional<absl::string_view> target = PathAndQuery(request.method, View(message.target()));
  if (!target) return HttpFault{400, "The request target is no path."};
  size_t question = std::min(target->find('?'), target->size());
  request.path = std::string(target->substr(0, question));
  request.query = std::string(target->substr(std::min(question + 1, target->size())));
  for (const auto& field : message) {
    request.headers.emplace_back(absl::AsciiStrToLower(View(field.name_string())),
                                 std::string(View(field.value())));
  }
  request.http11 = message.version() == 11;
  request.keep_alive = parser.keep_alive();
  return CheckHeaders(request);
}

}  // namespace trainyard::edge
