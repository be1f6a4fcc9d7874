#include "edge/http_connection.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "edge/errors.h"

namespace trainyard::edge {
namespace {

constexpr double kNoRefill = 1e18;

absl::StatusCode CodeOf(int http_status) {
  switch (http_status) {
    case 408:
      return absl::StatusCode::kDeadlineExceeded;
    case 501:
      return absl::StatusCode::kUnimplemented;
    case 503:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kInvalidArgument;
  }
}

}  // namespace

HttpConnection::HttpConnection(TlsStream& stream, std::string peer, const HttpTiming& timing,
                               const HttpApplication& application)
    : stream_(stream), peer_(std::move(peer)), timing_(timing), application_(application) {}

bool HttpConnection::Handshake() {
  Patience patience(timing_.handshake, kNoRefill);
  return stream_.Handshake(patience).ok();
}

void HttpConnection::Serve() {
  if (!Handshake()) return;
  while (ServeOne()) served_one_ = true;
  stream_.Close(timing_.linger);
}

void HttpConnection::Refuse() {
  if (!Handshake()) return;
  SendFault({503, "Too many connections are open; try again shortly."});
  stream_.Close(timing_.linger);
}

void HttpConnection::SendFault(const HttpFault& fault) {
  std::string body = ErrorJson(fault.status, absl::Status(CodeOf(fault.status), fault.message));
  Patience patience(timing_.body, kNoRefill);
  stream_
      .Write(absl::StrCat("HTTP/1.1 ", fault.status, " ", HttpPhrase(fault.status),
                          "\r\ndate: ", HttpDate(stream_.clock().Now()),
                          "\r\ncontent-type: application/json; charset=UTF-8\r\ncontent-length: ",
                          body.size(), "\r\nconnection: close\r\n\r\n", body),
             patience)
      .IgnoreError();
}

bool HttpConnection::ReadMoreOfHead(Patience& patience) {
  const bool idle = input_.view().empty();
  Patience between(served_one_ ? timing_.idle : timing_.header, kNoRefill);
  absl::StatusOr<size_t> count = input_.Fill(stream_, idle ? between : patience, idle);
  if (!idle && absl::IsDeadlineExceeded(count.status())) {
    SendFault({408, "The request's head comes too slowly."});
  }
  return count.ok() && *count > 0;
}

bool HttpConnection::AwaitHead(RequestHead& request) {
  Patience patience(timing_.header, kNoRefill);
  size_t scanned = 0;
  while (true) {
    // Empty lines before a request are allowed; some clients end a body with one.
    while (scanned == 0 && absl::StartsWith(input_.view(), "\r\n")) input_.Consume(2);
    HeadScan scan = ScanHead(input_.view(), scanned);
    if (!scan.fault && scan.end.value_or(scanned) > base::limits::kHeaderBytesMax) {
      scan.fault = HttpFault{431, absl::StrCat("The request's head is larger than ",
                                               base::limits::kHeaderBytesMax, " bytes.")};
    }
    if (scan.end && !scan.fault) {
      scan.fault = ReadHead(input_.view().substr(0, *scan.end), request);
      input_.Consume(*scan.end);
    }
    if (scan.fault) SendFault(*scan.fault);
    if (scan.fault || scan.end) return !scan.fault;
    if (!ReadMoreOfHead(patience)) return false;
  }
}

bool HttpConnection::ServeOne() {
  RequestHead request;
  if (!AwaitHead(request)) return false;
  HttpExchange exchange(stream_, input_, request, timing_);
  application_(request, peer_, exchange);
  return exchange.Finish() && !stream_.draining();
}

}  // namespace trainyard::edge
