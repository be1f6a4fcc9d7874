// The first bytes of a connection, read before anything answers: a pure function.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"

namespace trainyard::edge {

enum class FirstBytes {
  kIncomplete,  // more bytes are needed to tell
  kHttp1,       // TLS; the client offers http/1.1, or names no protocol
  kHttp2,       // TLS; the client offers h2 and not http/1.1
  kPlainHttp,   // an HTTP request without TLS
  kGarbage,     // nothing that this port speaks
};

// A longer ClientHello is garbage. Real ones are below 2 KiB.
inline constexpr size_t kClientHelloBytesMax = 16 << 10;

// `bytes`: what arrived so far, from the very first byte.
FirstBytes ClassifyFirstBytes(absl::string_view bytes);

}  // namespace trainyard::edge
