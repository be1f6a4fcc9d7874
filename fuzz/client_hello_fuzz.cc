// The first bytes of a connection. What is known after some bytes must not change with more.
#include <cstddef>
#include <cstdint>

#include "base/log.h"
#include "edge/client_hello.h"

namespace {

using trainyard::edge::ClassifyFirstBytes;
using trainyard::edge::FirstBytes;
using trainyard::edge::kClientHelloBytesMax;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  FirstBytes known = FirstBytes::kIncomplete;
  for (size_t length = 0; length <= size && length < kClientHelloBytesMax; ++length) {
    FirstBytes now = ClassifyFirstBytes(bytes.substr(0, length));
    CHECK(known == FirstBytes::kIncomplete || now == known);
    known = now;
  }
  return 0;
}
