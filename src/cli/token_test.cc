#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/connection.h"

namespace trainyard::cli {
namespace {

TEST(Token, IsSignedByTheKeyAndSaysWhoAndUntilWhen) {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(2048), &EVP_PKEY_free);
  std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  long size = BIO_get_mem_data(bio.get(), &data);
  std::string pem =
      absl::StrReplaceAll(absl::string_view(data, static_cast<size_t>(size)), {{"\n", "\\n"}});
  std::string file =
      absl::StrCat(R"({"client_email":"a@b","private_key_id":"k1","private_key":")", pem, "\"}");

  absl::StatusOr<std::string> token = SignToken(file, absl::FromUnixSeconds(1000));
  ASSERT_TRUE(token.ok()) << token.status();
  std::vector<std::string> parts = absl::StrSplit(*token, '.');
  ASSERT_EQ(parts.size(), 3u);
  std::string header, claims, signature;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(parts[0], &header));
  ASSERT_TRUE(absl::WebSafeBase64Unescape(parts[1], &claims));
  ASSERT_TRUE(absl::WebSafeBase64Unescape(parts[2], &signature));
  EXPECT_EQ(header, R"({"alg":"RS256","typ":"JWT","kid":"k1"})");
  EXPECT_TRUE(absl::StrContains(claims, R"("iss":"a@b","sub":"a@b")")) << claims;
  EXPECT_TRUE(absl::StrContains(claims, R"("iat":1000,"exp":4300)")) << claims;

  std::string signed_text = parts[0] + "." + parts[1];
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free);
  ASSERT_EQ(EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()), 1);
  EXPECT_EQ(
      EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                       signature.size(), reinterpret_cast<const unsigned char*>(signed_text.data()),
                       signed_text.size()),
      1);
}

TEST(Token, NamesWhatIsWrongWithTheFile) {
  EXPECT_TRUE(absl::StrContains(SignToken("x", absl::UnixEpoch()).status().message(), "not JSON"));
  EXPECT_TRUE(
      absl::StrContains(SignToken("{}", absl::UnixEpoch()).status().message(), "keys create"));
  std::string broken = R"({"client_email":"a@b","private_key":"nothing"})";
  EXPECT_TRUE(
      absl::StrContains(SignToken(broken, absl::UnixEpoch()).status().message(), "not PEM"));
}

}  // namespace
}  // namespace trainyard::cli
