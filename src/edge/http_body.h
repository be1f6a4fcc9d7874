// Takes the coding off a request's body: Content-Length or chunked. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "edge/http_parser.h"

namespace trainyard::edge {

// Threads: one.
class HttpBodyDecoder {
 public:
  explicit HttpBodyDecoder(const RequestHead& request);

  struct Step {
    size_t consumed = 0;
    size_t produced = 0;
    std::optional<HttpFault> fault;
  };
  // Decodes from `input` into `output`, until either is used up or the body ends. What is left of
  // `input` must come again, with more. After a fault the body's end is unknown.
  Step Read(absl::string_view input, char* output, size_t output_size);
  bool done() const { return state_ == State::kDone; }

 private:
  enum class State { kSizeLine, kData, kDataEnd, kTrailer, kDone };
  // The next line without its CRLF; nullopt: not there yet, or a fault.
  std::optional<absl::string_view> TakeLine(absl::string_view input, Step& step);
  // False when more input is needed, or on a fault.
  bool Advance(absl::string_view input, Step& step);
  void StartChunk(absl::string_view line, Step& step);

  bool chunked_;
  State state_;
  uint64_t left_ = 0;  // of the chunk, or of the whole body
  size_t trailer_bytes_ = 0;
};

}  // namespace trainyard::edge
