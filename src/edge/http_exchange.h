// One request and its response on a connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "edge/http_body.h"
#include "edge/http_handler.h"
#include "edge/http_parser.h"
#include "edge/http_timing.h"
#include "edge/tls_stream.h"

namespace trainyard::edge {

// "Not Found" of 404.
absl::string_view HttpPhrase(int status);
// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string HttpDate(absl::Time time);

// Bytes that came and were not used yet; they outlast one request (pipelining).
class InputBuffer {
 public:
  absl::string_view view() const { return absl::string_view(bytes_).substr(begin_); }
  void Consume(size_t count);
  // Reads once from the stream, what comes: 0 at its end.
  absl::StatusOr<size_t> Fill(TlsStream& stream, Patience& patience, bool idle);

 private:
  std::string bytes_;
  size_t begin_ = 0;
};

// Threads: one, the connection's.
class HttpExchange : public BodyReader, public HttpWriter {
 public:
  // All references outlive the exchange.
  HttpExchange(TlsStream& stream, InputBuffer& input, const RequestHead& request,
               const HttpTiming& timing);

  // Asks the client for the body first, if it waits for that. INVALID_ARGUMENT for a body that is
  // badly coded, too slow or short; CANCELLED when the client has gone.
  absl::StatusOr<std::string> Read(size_t length) override;
  absl::Status Start(int status, const Headers& headers, int64_t content_length) override;
  absl::Status Write(absl::string_view bytes) override;

  // The response is the last on this connection and says so, if it has not started.
  void CloseAfter() { keep_alive_ = false; }
  bool started() const { return started_; }
  // Ends the response. True when another request may follow on the connection.
  bool Finish();
  bool ClientHasGone() const { return stream_.PeerHasGone(); }

 private:
  absl::Status Send(absl::string_view bytes);
  absl::Status AskForBody();
  absl::StatusOr<size_t> ReadSome(char* output, size_t size);
  absl::Status BodyFailed(const absl::Status& status);
  bool SkipRestOfBody();
  std::string Head(int status, const Headers& headers, int64_t content_length) const;

  TlsStream& stream_;
  InputBuffer& input_;
  const RequestHead& request_;
  HttpBodyDecoder body_;
  Patience read_patience_;
  Patience write_patience_;
  absl::Status read_status_;  // the first failure stays
  absl::Status write_status_;
  bool keep_alive_;
  bool awaits_continue_;
  bool started_ = false;
  bool chunked_ = false;
  bool bodiless_ = false;    // HEAD, 204, 304: a body is counted and not sent
  int64_t length_left_ = 0;  // when not chunked; < 0: until the connection closes
  std::string held_head_;    // goes out with the first bytes of the body
};

}  // namespace trainyard::edge
