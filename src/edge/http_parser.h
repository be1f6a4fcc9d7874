// The heads of HTTP/1.1 requests, strictly: what two programs could read in two ways is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "edge/http_handler.h"

namespace trainyard::edge {

struct RequestHead {
  std::string method;
  std::string path;   // as sent, percent-encoded; "*" for OPTIONS *
  std::string query;  // as sent, without the '?'
  Headers headers;    // names are lower-case
  bool http11 = true;
  bool keep_alive = true;
  bool has_body = false;
  bool expects_continue = false;
  std::optional<uint64_t> content_length;  // nullopt: chunked, or no body

  absl::string_view Header(absl::string_view lower_case_name) const;
};

// A request that gets no handler: the answer's status and sentence. The connection ends with it.
struct HttpFault {
  int status = 400;
  std::string message;
};

// How many bytes the head has, with its empty line, once that is there. `scanned` says how far
// earlier calls looked and is moved on. A line that does not end in CRLF is a fault.
struct HeadScan {
  std::optional<size_t> end;
  std::optional<HttpFault> fault;
};
HeadScan ScanHead(absl::string_view bytes, size_t& scanned);

// Reads a head, whose end ScanHead found.
std::optional<HttpFault> ReadHead(absl::string_view head, RequestHead& request);

}  // namespace trainyard::edge
