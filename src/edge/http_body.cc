#include "edge/http_body.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace trainyard::edge {
namespace {

constexpr size_t kLineBytesMax = 8 << 10;
constexpr size_t kTrailerBytesMax = 64 << 10;
constexpr size_t kSizeDigitsMax = 15;

bool HasControl(absl::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c)) && c != '\t';
  });
}

}  // namespace

HttpBodyDecoder::HttpBodyDecoder(const RequestHead& request)
    : chunked_(request.has_body && !request.content_length),
      state_(!request.has_body ? State::kDone
             : chunked_        ? State::kSizeLine
                               : State::kData),
      left_(request.content_length.value_or(0)) {}

std::optional<absl::string_view> HttpBodyDecoder::TakeLine(absl::string_view input, Step& step) {
  absl::string_view rest = input.substr(step.consumed);
  size_t end = rest.find('\n');
  if (std::min(end, rest.size()) > kLineBytesMax) {
    step.fault = HttpFault{400, "A line of the chunked coding is too long."};
    return std::nullopt;
  }
  if (end == absl::string_view::npos) return std::nullopt;
  if (end == 0 || rest[end - 1] != '\r' || HasControl(rest.substr(0, end - 1))) {
    step.fault = HttpFault{400, "The chunked coding is broken."};
    return std::nullopt;
  }
  step.consumed += end + 1;
  return rest.substr(0, end - 1);
}

void HttpBodyDecoder::StartChunk(absl::string_view line, Step& step) {
  absl::string_view digits = line.substr(0, line.find(';'));
  bool good = !digits.empty() && digits.size() <= kSizeDigitsMax &&
              std::all_of(digits.begin(), digits.end(), absl::ascii_isxdigit) &&
              absl::SimpleHexAtoi(digits, &left_);
  if (!good) {
    step.fault = HttpFault{400, "A chunk's size is no hexadecimal number."};
  } else {
    state_ = left_ > 0 ? State::kData : State::kTrailer;
  }
}

bool HttpBodyDecoder::Advance(absl::string_view input, Step& step) {
  std::optional<absl::string_view> line = TakeLine(input, step);
  if (!line) return false;
  switch (state_) {
    case State::kSizeLine:
      StartChunk(*line, step);
      break;
    case State::kDataEnd:
      if (!line->empty()) step.fault = HttpFault{400, "A chunk is longer than its size."};
      state_ = State::kSizeLine;
      break;
    case State::kTrailer:  // read and dropped
      trailer_bytes_ += line->size() + 2;
      if (trailer_bytes_ > kTrailerBytesMax)
        step.fault = HttpFault{431, "The trailer is too long."};
      if (line->empty()) state_ = State::kDone;
      break;
    case State::kData:
    case State::kDone:
      break;
  }
  return !step.fault;
}

HttpBodyDecoder::Step HttpBodyDecoder::Read(absl::string_view input, char* output,
                                            size_t output_size) {
  Step step;
  while (!done() && step.produced < output_size) {
    if (state_ != State::kData) {
      if (!Advance(input, step)) break;
      continue;
    }
    absl::string_view data = input.substr(step.consumed, left_);
    data = data.substr(0, output_size - step.produced);
    if (data.empty()) break;
    std::memcpy(output + step.produced, data.data(), data.size());
    step.consumed += data.size();
    step.produced += data.size();
    left_ -= data.size();
    if (left_ == 0) state_ = chunked_ ? State::kDataEnd : State::kDone;
  }
  return step;
}

}  // namespace trainyard::edge
