// Raw HTTP routes that are no RPC: the object store's JSON API, the token endpoint, health, static
// files.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "edge/call.h"

namespace trainyard::edge {

// Names are lower-case.
using Headers = std::vector<std::pair<std::string, std::string>>;

// Pull side of a request body; blocks with the connection's time-outs. Chunked coding is taken off.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // Up to `length` bytes; empty at the end.
  virtual absl::StatusOr<std::string> Read(size_t length) = 0;
};

struct HttpRequest {
  std::string method;  // "GET"
  std::string path;    // as sent, percent-encoded, without the query: "/storage/v1/b/x/o/a%2Fb"
  std::vector<std::pair<std::string, std::string>> query;  // decoded
  Headers headers;
  BodyReader* body = nullptr;
  Caller caller;  // nobody where the route is open
  std::string peer;

  // First value; empty when absent.
  absl::string_view Header(absl::string_view lower_case_name) const;
  absl::string_view Query(absl::string_view name) const;
  bool HasQuery(absl::string_view name) const;
};

// Push side of a response. Start once, then Write; the connection's time-outs hold. A handler that
// returns without Start sends 500.
class HttpWriter {
 public:
  virtual ~HttpWriter() = default;
  // `content_length` < 0: chunked.
  virtual absl::Status Start(int status, const Headers& headers, int64_t content_length) = 0;
  virtual absl::Status Write(absl::string_view bytes) = 0;
};

// Runs on the connection's own thread and may block.
using HttpHandler = std::function<void(HttpRequest&, HttpWriter&)>;

struct HttpRoute {
  std::string prefix;  // "/storage/v1/"; the longest prefix wins, before the RPC bindings
  bool open = false;   // answers without a credential
  HttpHandler handler;
};

// Decodes %XX (and '+' when `plus_is_space`). INVALID_ARGUMENT on a broken escape.
absl::StatusOr<std::string> PercentDecode(absl::string_view text, bool plus_is_space);

// {"error": {"code": 404, "message": ..., "status": "NOT_FOUND", "details": [...]}} with its HTTP
// status.
int HttpStatusOf(absl::StatusCode code);
std::string ErrorJson(const absl::Status& status);
// Sends it.
void WriteError(HttpWriter& writer, const absl::Status& status);

}  // namespace trainyard::edge
