// The body of a multipart upload: "multipart/related", a JSON part and a part of bytes.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "edge/http_handler.h"

namespace trainyard::api {

// Reads forward; the bytes are never held as a whole. Lines may end in CRLF or LF, as the first one
// does. Threads: one.
class MultipartReader {
 public:
  // `content_type` is the request's. INVALID_ARGUMENT when it names no boundary. `body` outlives
  // the reader.
  static absl::StatusOr<MultipartReader> Create(absl::string_view content_type,
                                                edge::BodyReader& body);

  // First: the JSON text, at most `length_max` bytes.
  absl::StatusOr<std::string> ReadJson(size_t length_max);
  // Then: the bytes' content type, maybe empty, and the bytes; empty at their end.
  absl::StatusOr<std::string> ReadContentType();
  absl::StatusOr<std::string> ReadBytes(size_t length);

 private:
  MultipartReader(std::string boundary, edge::BodyReader& body)
      : boundary_(std::move(boundary)), body_(&body) {}

  // False at the end of the body.
  absl::StatusOr<bool> Fill(size_t length);
  absl::StatusOr<std::string> ReadLine();
  // Passes over the headers of a part and gives the value of Content-Type.
  absl::StatusOr<std::string> ReadHeaders();
  // Bytes of this part; `ended_` once its delimiter was passed.
  absl::StatusOr<std::string> ReadPart(size_t length);

  std::string boundary_;   // "--X"
  std::string delimiter_;  // line end and boundary
  edge::BodyReader* body_;
  std::string buffer_;
  bool ended_ = false;
};

}  // namespace trainyard::api
