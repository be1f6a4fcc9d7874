// Any bytes as the Authorization header, and as an assertion at the token endpoint: never a caller,
// never a token, and never a word of the credential in the refusal.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "edge/access_token.h"
#include "edge/identity.h"
#include "edge/json_web_token.h"

namespace {

namespace edge = trainyard::edge;

constexpr size_t kTelling = 24;  // bytes of a credential that a refusal could not hold by chance

edge::AccountRegistry& Registry() {
  static auto& registry = *[] {
    static trainyard::base::FakeClock clock;
    trainyard::base::SeededRandom random(1);
    auto key = edge::MakeServiceAccountKey(random, "owner@x", "p", "https://localhost/token");
    CHECK(key.ok());
    trainyard::store::v1::AccountRecord owner;
    owner.set_email("owner@x");
    owner.add_keys()->set_id("known");
    owner.mutable_keys(0)->set_public_key_pem(key->public_key_pem);
    auto* made = new edge::AccountRegistry(clock, std::string(32, 's'), {"localhost"});
    made->Replace({owner});
    return made;
  }();
  return registry;
}

void CheckRefusal(const absl::Status& status, const std::string& credential) {
  CHECK(absl::IsUnauthenticated(status));
  CHECK(credential.size() < kTelling || !absl::StrContains(status.message(), credential));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  CheckRefusal(Registry().Authenticate(text).status(), text);
  CheckRefusal(Registry().Authenticate(absl::StrCat("Bearer ", text)).status(), text);
  CheckRefusal(Registry().Authenticate(absl::StrCat("Bearer ty1.", text)).status(), text);
  CheckRefusal(Registry().Exchange(text).status(), text);
  if (const auto token = edge::ParseJsonWebToken(text); token.ok()) {
    CHECK(!token->issuer.empty());
    CHECK(absl::StartsWith(text, token->signed_text));
  }
  CHECK(!edge::DecodeAccessToken(text, std::string(32, 's')).ok());
  std::string host, path;
  if (edge::ParseAudience(text, host, path)) CHECK(!host.empty() && path[0] == '/');
  return 0;
}
