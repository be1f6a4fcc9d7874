#include "edge/http_exchange.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace trainyard::edge {
namespace {

constexpr size_t kReadBytes = 16 << 10;      // a TLS record
constexpr size_t kReadBytesMax = 1 << 20;    // of one Read
constexpr size_t kSkipBytesMax = 256 << 10;  // of a body that nobody wanted
constexpr size_t kJoinBytesMax = 16 << 10;   // head and body go out in one record up to this

struct Reason {
  int status;
  absl::string_view phrase;
};
constexpr Reason kReasons[] = {
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {308, "Resume Incomplete"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

bool IsToken(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  });
}

// A line break in a value would let whoever chose it write headers of their own.
bool AreSafe(const Headers& headers) {
  return std::all_of(headers.begin(), headers.end(), [](const auto& header) {
    return IsToken(header.first) &&
           std::none_of(header.second.begin(), header.second.end(), [](char c) {
             return absl::ascii_iscntrl(static_cast<unsigned char>(c)) && c != '\t';
           });
  });
}

}  // namespace

absl::string_view HttpPhrase(int status) {
  const auto* reason = std::find_if(std::begin(kReasons), std::end(kReasons),
                                    [&](const Reason& item) { return item.status == status; });
  return reason == std::end(kReasons) ? "Status" : reason->phrase;
}

std::string HttpDate(absl::Time time) {
  return absl::FormatTime("%a, %d %b %E4Y %H:%M:%S GMT", time, absl::UTCTimeZone());
}

void InputBuffer::Consume(size_t count) {
  begin_ += count;
  if (begin_ == bytes_.size()) {
    bytes_.clear();
    begin_ = 0;
  }
}

absl::StatusOr<size_t> InputBuffer::Fill(TlsStream& stream, Patience& patience, bool idle) {
  bytes_.erase(0, begin_);
  begin_ = 0;
  const size_t before = bytes_.size();
  bytes_.resize(before + kReadBytes);
  absl::StatusOr<size_t> count =
      idle ? stream.ReadWhileIdle(bytes_.data() + before, kReadBytes, patience)
           : stream.Read(bytes_.data() + before, kReadBytes, patience);
  bytes_.resize(before + (count.ok() ? *count : 0));
  return count;
}

HttpExchange::HttpExchange(TlsStream& stream, InputBuffer& input, const RequestHead& request,
                           const HttpTiming& timing)
    : stream_(stream),
      input_(input),
      request_(request),
      body_(request),
      read_patience_(timing.body, timing.body_bytes_per_second_min),
      write_patience_(timing.body, timing.body_bytes_per_second_min),
      keep_alive_(request.keep_alive),
      awaits_continue_(request.expects_continue && request.has_body) {}

absl::Status HttpExchange::Send(absl::string_view bytes) {
  RETURN_IF_ERROR(write_status_);
  write_status_ = stream_.Write(bytes, write_patience_);
  if (!write_status_.ok()) keep_alive_ = false;
  return write_status_;
}

// --- the request's body ---

absl::Status HttpExchange::AskForBody() {
  if (!awaits_continue_) return absl::OkStatus();
  if (started_) return absl::FailedPreconditionError("the response has begun without the body");
  awaits_continue_ = false;
  return Send("HTTP/1.1 100 Continue\r\n\r\n");
}

absl::Status HttpExchange::BodyFailed(const absl::Status& status) {
  keep_alive_ = false;
  if (absl::IsDeadlineExceeded(status)) {
    read_status_ = absl::InvalidArgumentError("The request's body comes too slowly.");
  } else if (absl::IsInvalidArgument(status)) {
    read_status_ = status;
  } else {
    read_status_ = absl::CancelledError("The client has gone.");
  }
  return read_status_;
}

// 0 at the end of the body.
absl::StatusOr<size_t> HttpExchange::ReadSome(char* output, size_t size) {
  while (!body_.done()) {
    HttpBodyDecoder::Step step = body_.Read(input_.view(), output, size);
    input_.Consume(step.consumed);
    if (step.fault) return BodyFailed(absl::InvalidArgumentError(step.fault->message));
    if (step.produced > 0) return step.produced;
    if (body_.done()) break;
    absl::StatusOr<size_t> count = input_.Fill(stream_, read_patience_, /*idle=*/false);
    if (!count.ok()) return BodyFailed(count.status());
    if (*count == 0) {
      return BodyFailed(absl::InvalidArgumentError("The request's body ends too early."));
    }
  }
  return 0;
}

absl::StatusOr<std::string> HttpExchange::Read(size_t length) {
  RETURN_IF_ERROR(read_status_);
  if (body_.done()) return "";
  RETURN_IF_ERROR(AskForBody());
  std::string bytes(std::min(length, kReadBytesMax), '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    absl::StatusOr<size_t> count = ReadSome(bytes.data() + filled, bytes.size() - filled);
    if (!count.ok() && filled == 0) return count.status();  // otherwise the next Read says it
    if (!count.ok() || *count == 0) break;
    filled += *count;
  }
  bytes.resize(filled);
  return bytes;
}

// --- the response ---

std::string HttpExchange::Head(int status, const Headers& headers, int64_t content_length) const {
  std::string head = absl::StrCat("HTTP/1.1 ", status, " ", HttpPhrase(status),
                                  "\r\ndate: ", HttpDate(stream_.clock().Now()), "\r\n");
  for (const auto& [name, value] : headers) absl::StrAppend(&head, name, ": ", value, "\r\n");
  if (chunked_) {
    absl::StrAppend(&head, "transfer-encoding: chunked\r\n");
  } else if (content_length >= 0 && status != 204) {
    absl::StrAppend(&head, "content-length: ", content_length, "\r\n");
  }
  if (!keep_alive_) {
    absl::StrAppend(&head, "connection: close\r\n");
  } else if (!request_.http11) {
    absl::StrAppend(&head, "connection: keep-alive\r\n");
  }
  absl::StrAppend(&head, "\r\n");
  return head;
}

absl::Status HttpExchange::Start(int status, const Headers& headers, int64_t content_length) {
  if (started_) return absl::FailedPreconditionError("the response has begun already");
  if (status < 200 || status > 599 || !AreSafe(headers)) {
    return absl::InvalidArgumentError("no such status, or a control character in a header");
  }
  started_ = true;
  if (stream_.draining()) keep_alive_ = false;
  if (awaits_continue_) keep_alive_ = false;  // whether the client sends the body now is its secret
  chunked_ = content_length < 0 && request_.http11 && status != 204 && status != 304;
  if (content_length < 0 && !request_.http11) keep_alive_ = false;
  bodiless_ = request_.method == "HEAD" || status == 204 || status == 304;
  length_left_ = content_length;
  held_head_ = Head(status, headers, content_length);
  return absl::OkStatus();
}

absl::Status HttpExchange::Write(absl::string_view bytes) {
  if (!started_) return absl::FailedPreconditionError("Write before Start");
  RETURN_IF_ERROR(write_status_);
  if (bytes.empty() || bodiless_) return absl::OkStatus();
  if (length_left_ >= 0) {
    int64_t size = static_cast<int64_t>(bytes.size());
    if (size > length_left_) return absl::OutOfRangeError("more bytes than Content-Length says");
    length_left_ -= size;
  }
  std::string out = std::exchange(held_head_, "");
  if (chunked_) absl::StrAppend(&out, absl::Hex(bytes.size()), "\r\n");
  if (!chunked_ && bytes.size() > kJoinBytesMax) {
    if (!out.empty()) RETURN_IF_ERROR(Send(out));
    return Send(bytes);
  }
  absl::StrAppend(&out, bytes, chunked_ ? "\r\n" : "");
  return Send(out);
}

bool HttpExchange::SkipRestOfBody() {
  if (body_.done()) return true;
  if (awaits_continue_ || !read_status_.ok()) return false;
  std::string ignored(kReadBytes, '\0');
  for (size_t skipped = 0; skipped < kSkipBytesMax;) {
    absl::StatusOr<size_t> count = ReadSome(ignored.data(), ignored.size());
    if (!count.ok()) return false;
    if (*count == 0) return true;
    skipped += *count;
  }
  return false;
}

bool HttpExchange::Finish() {
  if (!started_) {
    CloseAfter();
    Start(500, {}, 0).IgnoreError();
  }
  std::string out = std::exchange(held_head_, "");
  if (chunked_ && !bodiless_) absl::StrAppend(&out, "0\r\n\r\n");
  if (!out.empty()) Send(out).IgnoreError();
  if (!bodiless_ && !chunked_ && length_left_ != 0) return false;
  return keep_alive_ && write_status_.ok() && SkipRestOfBody();
}

}  // namespace trainyard::edge
