#include "objects/hasher.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/log.h"

namespace trainyard::objects {

Hasher::Hasher() : md5_(EVP_MD_CTX_new()) {
  CHECK(md5_ != nullptr && EVP_DigestInit_ex(md5_.get(), EVP_md5(), nullptr) == 1);
}

void Hasher::Add(absl::string_view bytes) {
  crc32c_ = base::ExtendCrc32c(crc32c_, bytes);
  CHECK(EVP_DigestUpdate(md5_.get(), bytes.data(), bytes.size()) == 1);
}

std::string Hasher::TakeMd5() {
  std::string digest(16, '\0');
  CHECK(EVP_DigestFinal_ex(md5_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) ==
        1);
  return digest;
}

std::string EncodeCrc32c(uint32_t crc32c) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(crc32c >> shift & 0xff));
  }
  return absl::Base64Escape(bytes);
}

absl::Status CheckChecksums(const Checksums& given, uint32_t crc32c, absl::string_view md5) {
  if (!given.crc32c_base64.empty() && given.crc32c_base64 != EncodeCrc32c(crc32c)) {
    return absl::InvalidArgumentError(absl::StrCat("Provided CRC32C \"", given.crc32c_base64,
                                                   "\" doesn't match calculated CRC32C \"",
                                                   EncodeCrc32c(crc32c), "\"."));
  }
  if (!given.md5_base64.empty() && given.md5_base64 != absl::Base64Escape(md5)) {
    return absl::InvalidArgumentError(absl::StrCat("Provided MD5 hash \"", given.md5_base64,
                                                   "\" doesn't match calculated MD5 hash \"",
                                                   absl::Base64Escape(md5), "\"."));
  }
  return absl::OkStatus();
}

}  // namespace trainyard::objects
