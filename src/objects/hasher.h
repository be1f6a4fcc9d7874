// CRC-32C and MD5 of bytes as they pass.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "objects/objects.h"

namespace trainyard::objects {

// Threads: one at a time.
class Hasher {
 public:
  Hasher();
  void Add(absl::string_view bytes);
  uint32_t crc32c() const { return crc32c_; }
  // 16 raw bytes. Once.
  std::string TakeMd5();

 private:
  struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  uint32_t crc32c_ = 0;
  std::unique_ptr<EVP_MD_CTX, FreeContext> md5_;
};

// INVALID_ARGUMENT when a checksum that came with the request is not that of the bytes.
absl::Status CheckChecksums(const Checksums& given, uint32_t crc32c, absl::string_view md5);

}  // namespace trainyard::objects
