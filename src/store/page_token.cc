#include "store/page_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "base/log.h"

namespace trainyard::store {
namespace {

constexpr char kVersion = 1;
constexpr size_t kMacBytes = 16;
constexpr size_t kPositionBytes = 1 + 2 * sizeof(int64_t);  // with the version

void AppendUint64(uint64_t value, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

int64_t ReadInt64(const char* bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return static_cast<int64_t>(value);
}

std::string Mac(const std::string& key, const ListQuery& query, absl::string_view position) {
  std::string signed_bytes(position);
  // Each with its length: no two queries give the same bytes.
  for (const std::string* part : {&query.kind, &query.parent, &query.filter_text}) {
    AppendUint64(part->size(), signed_bytes);
    signed_bytes += *part;
  }
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(signed_bytes.data()), signed_bytes.size(), mac,
             &size) != nullptr);
  CHECK(size >= kMacBytes);
  return std::string(reinterpret_cast<const char*>(mac), kMacBytes);
}

}  // namespace

std::string EncodePageToken(const std::string& key, const ListQuery& query, Position position) {
  std::string bytes(1, kVersion);
  AppendUint64(static_cast<uint64_t>(position.create_time_us), bytes);
  AppendUint64(static_cast<uint64_t>(position.id), bytes);
  return absl::WebSafeBase64Escape(bytes + Mac(key, query, bytes));
}

absl::StatusOr<Position> DecodePageToken(const std::string& key, const ListQuery& query) {
  std::string bytes;
  if (absl::WebSafeBase64Unescape(query.page_token, &bytes) &&
      bytes.size() == kPositionBytes + kMacBytes && bytes[0] == kVersion) {
    std::string mac = Mac(key, query, absl::string_view(bytes).substr(0, kPositionBytes));
    if (CRYPTO_memcmp(mac.data(), &bytes[kPositionBytes], kMacBytes) == 0) {
      return Position{ReadInt64(&bytes[1]), ReadInt64(&bytes[9])};
    }
  }
  return absl::InvalidArgumentError(
      "page_token is not one that this list gave for the same parent and filter; leave it out to "
      "start at the first page");
}

}  // namespace trainyard::store
