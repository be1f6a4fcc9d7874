#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "edge/accounts.h"
#include "edge/test_token.h"
#include "edge/verified_tokens.h"
#include "google/rpc/error_details.pb.h"

namespace trainyard::edge {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kAud[] = R"(,"aud":"https://aiplatform.googleapis.com/")";
constexpr char kScope[] = R"(,"scope":"https://www.googleapis.com/auth/cloud-platform")";
constexpr char kExchange[] = R"(,"aud":"https://oauth2.googleapis.com/token")";

// Keys take long to make: one set for all tests.
const TestAccount& Owner() {
  static const auto* const account = new TestAccount("owner@trainyard.iam.gserviceaccount.com");
  return *account;
}
const TestAccount& Other() {
  static const auto* const account = new TestAccount("other@trainyard.iam.gserviceaccount.com");
  return *account;
}

class AccountRegistryTest : public testing::Test {
 protected:
  AccountRegistryTest()
      : registry_(clock_, std::string(32, 's'),
                  {"127.0.0.1:8443", "train.example.com", "::1", "[fd00::2]:8443"}) {
    registry_.Replace({Owner().Record("*", "admin"), Other().Record("research", "user")});
  }

  std::string Authenticate(const std::string& token) {
    const auto caller = registry_.Authenticate("Bearer " + token);
    if (caller.ok()) return caller->account;
    EXPECT_TRUE(absl::IsUnauthenticated(caller.status()));
    // No error repeats a credential.
    EXPECT_THAT(std::string(caller.status().message()), Not(HasSubstr(token)));
    return std::string(caller.status().message());
  }
  std::string Payload(int64_t issued, int64_t expires, const std::string& claims) {
    return absl::StrCat(R"({"iss":")", Owner().email(), R"(","sub":")", Owner().email(),
                        R"(","iat":)", issued, R"(,"exp":)", expires, claims, "}");
  }
  int64_t Seconds() { return absl::ToUnixSeconds(clock_.Now()); }

  base::FakeClock clock_;
  AccountRegistry registry_;
};

TEST_F(AccountRegistryTest, TakesWhatTheClientsSign) {
  for (const char* claims :
       {kAud, kScope, R"(,"aud":"https://us-central1-aiplatform.googleapis.com/")",
        R"(,"aud":"https://127.0.0.1:8443/")", R"(,"aud":"https://TRAIN.example.com")",
        R"(,"aud":"https://[::1]:8443/google.cloud.aiplatform.v1.JobService")",
        R"(,"aud":"https://[fd00::2]/")",
        R"(,"scope":"https://www.googleapis.com/auth/devstorage.read_only")"}) {
    EXPECT_EQ(Authenticate(Owner().Sign(clock_.Now(), claims)), Owner().email()) << claims;
  }
  const auto caller = registry_.Authenticate("bearer " + Other().Sign(clock_.Now(), kAud));
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ(caller->key_id, Other().key().key_id);
}

TEST_F(AccountRegistryTest, RefusesOtherPurposes) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "neither an audience"},
      {R"(,"aud":["https://aiplatform.googleapis.com/"])", "neither an audience"},
      {R"(,"scope":"openid email")", "neither an audience"},
      {R"(,"scope":"https://www.googleapis.com/auth/")", "neither an audience"},
      {R"(,"aud":"https://example.com/")", "another audience"},
      {R"(,"aud":"https://evilgoogleapis.com/")", "another audience"},
      {R"(,"aud":"http://aiplatform.googleapis.com/")", "another audience"},
      {R"(,"aud":"https://127.0.0.1@evil.com/")", "another audience"},
      {R"(,"aud":"https://googleapis.com.evil.com/")", "another audience"},
      {R"(,"aud":"https://127.0.0.1:8443/token")", "exchange it there"},
      {kExchange, "exchange it there"},
  };
  for (const auto& [claims, why] : cases) {
    EXPECT_THAT(Authenticate(Owner().Sign(clock_.Now(), claims)), HasSubstr(why)) << claims;
  }
}

TEST_F(AccountRegistryTest, ChecksTheTimes) {
  const struct {
    int64_t issued, expires;
    const char* verdict;
  } cases[] = {
      {0, 3600, "@"},
      {299, 3899, "@"},  // the client's clock is ahead
      {-3500, 100, "@"},
      {301, 3901, "from the future"},
      {0, 3601, "more than one hour"},
      {-3600, 0, "has expired"},
      {-10, -1, "has expired"},
      {0, 90'000, "more than one hour"},
  };
  for (const auto& test : cases) {
    const std::string token = Owner().SignParts(
        Owner().Header(), Payload(Seconds() + test.issued, Seconds() + test.expires, kAud));
    EXPECT_THAT(Authenticate(token), HasSubstr(test.verdict)) << test.issued << " " << test.expires;
  }
  for (const char* bad : {"-1", "\"1800000000\"", "1e300", "null", "{}"}) {
    const std::string payload = absl::StrReplaceAll(Payload(7, Seconds() + 5, kAud),
                                                    {{"\"iat\":7", absl::StrCat("\"iat\":", bad)}});
    EXPECT_THAT(Authenticate(Owner().SignParts(Owner().Header(), payload)),
                testing::AnyOf(HasSubstr("no iat"), HasSubstr("no base64url JSON")))
        << bad;
  }
}

// Google's Node library writes no kid: the issuer's keys are tried.
TEST_F(AccountRegistryTest, TakesATokenThatNamesNoKey) {
  const std::string good = Payload(Seconds(), Seconds() + 3600, kAud);
  constexpr char kNoKid[] = R"({"alg":"RS256"})";
  EXPECT_TRUE(registry_.Authenticate("Bearer " + Owner().SignParts(kNoKid, good)).ok());
  EXPECT_THAT(Authenticate(Other().SignParts(kNoKid, good)), HasSubstr("wrong signature"));
  // The newest of many keys is the one in use.
  auto many = Other().Record("*", "admin");
  many.set_email(Owner().email());
  for (int i = 0; i < 20; ++i) *many.add_keys() = many.keys(0);
  *many.add_keys() = Owner().Record("*", "admin").keys(0);
  registry_.Replace({many});
  EXPECT_TRUE(registry_.Authenticate("Bearer " + Owner().SignParts(kNoKid, good)).ok());
}

TEST_F(AccountRegistryTest, RefusesForgeries) {
  const std::string good = Payload(Seconds(), Seconds() + 3600, kAud);
  const std::string token = Owner().SignParts(Owner().Header(), good);
  const std::string kid = Owner().key().key_id;
  const std::string unsigned_token =
      absl::StrCat(absl::WebSafeBase64Escape(absl::StrCat(R"({"alg":"none","kid":")", kid, "\"}")),
                   ".", absl::WebSafeBase64Escape(good), ".");
  // The classic: the public key as the secret of an HMAC.
  const std::string hmac_text =
      absl::StrCat(absl::WebSafeBase64Escape(absl::StrCat(R"({"alg":"HS256","kid":")", kid, "\"}")),
                   ".", absl::WebSafeBase64Escape(good));
  const std::string hmac_token =
      absl::StrCat(hmac_text, ".",
                   absl::WebSafeBase64Escape(HmacSha256(Owner().key().public_key_pem, hmac_text)));
  const size_t last_dot = token.rfind('.');
  const std::string other_payload =
      absl::StrCat(token.substr(0, token.find('.')), ".",
                   absl::WebSafeBase64Escape(Payload(Seconds(), Seconds() + 3599, kAud)),
                   token.substr(last_dot));
  const struct {
    const char* what;
    std::string token;
    const char* why;
  } cases[] = {
      {"alg none", unsigned_token, "RS256"},
      {"alg HS256", hmac_token, "RS256"},
      {"payload changed", other_payload, "wrong signature"},
      {"no signature", token.substr(0, last_dot + 1), "wrong signature"},
      {"signed by another's key", Other().SignParts(Owner().Header(), good), "wrong signature"},
      {"another's name", Other().SignParts(Other().Header(), good), "whose key this is not"},
      {"unknown key", Owner().SignParts(R"({"alg":"RS256","kid":"beef"})", good), "key beef"},
      {"kid with an attack", Owner().SignParts(R"({"alg":"RS256","kid":"<script>"})", good),
       "key ?script?"},
      {"crit",
       Owner().SignParts(absl::StrCat(R"({"alg":"RS256","crit":["b64"],"kid":")", kid, "\"}"),
                         good),
       "critical"},
      {"delegation",
       Owner().SignParts(Owner().Header(),
                         absl::StrReplaceAll(good, {{"\"sub\":\"owner", "\"sub\":\"other"}})),
       "another account"},
      {"no sub",
       Owner().SignParts(Owner().Header(), absl::StrReplaceAll(good, {{"\"sub\"", "\"bus\""}})),
       "another account"},
      {"two parts", token.substr(0, last_dot), "three parts"},
      {"garbage", "a.b.c", "base64url"},
      {"deep", absl::WebSafeBase64Escape(std::string(4000, '[')) + ".e30.e30", "base64url"},
      {"long", std::string(9000, 'a'), "over"},
      {"Google's", "ya29.abc", "Google's own"},
      {"access token", "ty1.abc.def", "none that this server gave out"},
      {"access token prefix alone", "ty1.", "none that this server gave out"},
  };
  for (const auto& test : cases)
    EXPECT_THAT(Authenticate(test.token), HasSubstr(test.why)) << test.what;
}

TEST_F(AccountRegistryTest, SaysWhatToPassWithoutACredential) {
  for (const char* authorization : {"", "  "}) {
    const auto caller = registry_.Authenticate(authorization);
    EXPECT_TRUE(absl::IsUnauthenticated(caller.status()));
    EXPECT_THAT(std::string(caller.status().message()), HasSubstr("trainyard env"));
  }
  EXPECT_TRUE(absl::IsUnauthenticated(registry_.Authenticate("Basic dTpw").status()));
  EXPECT_TRUE(absl::IsUnauthenticated(registry_.Authenticate("Bearer").status()));
}

TEST_F(AccountRegistryTest, RemembersATokenNoLongerThanItIsGood) {
  const std::string token = Owner().Sign(clock_.Now(), kAud);
  EXPECT_EQ(Authenticate(token), Owner().email());
  EXPECT_EQ(Authenticate(token), Owner().email());
  clock_.Advance(absl::Seconds(3600));
  EXPECT_THAT(Authenticate(token), HasSubstr("expired"));
}

TEST_F(AccountRegistryTest, ExchangesAnAssertion) {
  for (const char* claims : {kExchange, R"(,"aud":"https://127.0.0.1:8443/token")",
                             R"(,"aud":"https://www.googleapis.com/oauth2/v4/token","scope":"")"}) {
    const auto token = registry_.Exchange(Other().Sign(clock_.Now(), claims));
    ASSERT_TRUE(token.ok()) << token.status();
    EXPECT_EQ(token->expires_in_seconds, 3600);
    EXPECT_EQ(Authenticate(token->access_token), Other().email());
  }
  for (const char* claims :
       {kAud, kScope, R"(,"aud":"https://evil.com/token")",
        R"(,"aud":"https://oauth2.googleapis.com/token","target_audience":"x")"}) {
    EXPECT_TRUE(
        absl::IsUnauthenticated(registry_.Exchange(Other().Sign(clock_.Now(), claims)).status()))
        << claims;
  }
  EXPECT_TRUE(absl::IsUnauthenticated(registry_.Exchange("").status()));
}

TEST_F(AccountRegistryTest, AccessTokensEnd) {
  const auto exchanged = registry_.Exchange(Other().Sign(clock_.Now(), kExchange));
  const auto minted = registry_.Mint(Other().email(), absl::Minutes(10));
  ASSERT_TRUE(exchanged.ok() && minted.ok());
  EXPECT_EQ(Authenticate(minted->access_token), Other().email());
  std::string changed = exchanged->access_token;
  changed[8] = changed[8] == 'A' ? 'B' : 'A';
  EXPECT_THAT(Authenticate(changed), HasSubstr("none that this server gave out"));
  AccountRegistry another(clock_, std::string(32, 't'), {});
  another.Replace(registry_.accounts());
  EXPECT_FALSE(another.Authenticate("Bearer " + exchanged->access_token).ok());
  clock_.Advance(absl::Minutes(10));
  EXPECT_THAT(Authenticate(minted->access_token), HasSubstr("expired"));
  EXPECT_EQ(Authenticate(exchanged->access_token), Other().email());
  clock_.Advance(absl::Minutes(50));
  EXPECT_THAT(Authenticate(exchanged->access_token), HasSubstr("expired"));
  EXPECT_TRUE(absl::IsNotFound(registry_.Mint("nobody", absl::Hours(1)).status()));
}

TEST_F(AccountRegistryTest, ARevokedKeyEndsItsTokensAtOnce) {
  const std::string signed_token = Other().Sign(clock_.Now(), kAud);
  const auto exchanged = registry_.Exchange(Other().Sign(clock_.Now(), kExchange));
  const auto minted = registry_.Mint(Other().email(), absl::Hours(1));
  ASSERT_TRUE(exchanged.ok() && minted.ok());
  EXPECT_EQ(Authenticate(signed_token), Other().email());
  auto record = Other().Record("research", "user");
  record.clear_keys();
  registry_.Replace({Owner().Record("*", "admin"), record});
  EXPECT_THAT(Authenticate(signed_token), HasSubstr("revoked"));
  EXPECT_THAT(Authenticate(exchanged->access_token), HasSubstr("revoked"));
  EXPECT_EQ(Authenticate(minted->access_token), Other().email());
  registry_.Replace({Owner().Record("*", "admin")});
  EXPECT_THAT(Authenticate(minted->access_token), HasSubstr("removed account"));
  EXPECT_FALSE(registry_.Exists(Other().email()));
}

TEST_F(AccountRegistryTest, AKeyThatIsNoKeyIsLeftOut) {
  auto record = Other().Record("research", "user");
  record.mutable_keys(0)->set_public_key_pem("garbage");
  registry_.Replace({record, Owner().Record("*", "admin")});
  EXPECT_THAT(Authenticate(Other().Sign(clock_.Now(), kAud)), HasSubstr("of another server"));
  EXPECT_EQ(Authenticate(Owner().Sign(clock_.Now(), kAud)), Owner().email());
}

TEST_F(AccountRegistryTest, DecidesByRoleAndProject) {
  auto viewer = TestAccount("viewer@x").Record("research", "viewer");
  registry_.Replace({Owner().Record("*", "admin"), Other().Record("research", "user"), viewer});
  constexpr char kLocation[] = "projects/research/locations/us-central1";
  const struct {
    std::string account;
    const char* permission;
    const char* resource;
    bool allowed;
  } cases[] = {
      {Owner().email(), "aiplatform.customJobs.create", kLocation, true},
      {Owner().email(), "trainyard.keys.create", "", true},
      {Owner().email(), "aiplatform.customJobs.explode", kLocation, false},
      {Other().email(), "aiplatform.customJobs.create", kLocation, true},
      {Other().email(), "aiplatform.customJobs.create", "projects/other/locations/l", false},
      {Other().email(), "aiplatform.customJobs.create", "projects/researching", false},
      {Other().email(), "aiplatform.customJobs.create", "projects/", false},
      {Other().email(), "aiplatform.customJobs.create", "projects/*/locations/l", false},
      {Other().email(), "aiplatform.customJobs.create", "projects/-/locations/l", false},
      {Other().email(), "storage.objects.create", "projects/research/buckets/b", true},
      {Other().email(), "storage.objects.create", "buckets/b", false},
      {Other().email(), "trainyard.keys.create", "projects/research", false},
      {Other().email(), "trainyard.status.get", "", false},
      {"viewer@x", "aiplatform.customJobs.get", kLocation, true},
      {"viewer@x", "logging.logEntries.list", "projects/research", true},
      {"viewer@x", "aiplatform.customJobs.create", kLocation, false},
      {"", "aiplatform.customJobs.get", kLocation, false},
      {"stranger@x", "aiplatform.customJobs.get", kLocation, false},
  };
  for (const auto& test : cases) {
    const absl::Status status = registry_.Check({test.account, ""}, test.permission, test.resource);
    EXPECT_EQ(status.ok(), test.allowed)
        << test.account << " " << test.permission << " " << test.resource;
    EXPECT_EQ(absl::IsPermissionDenied(status), !test.allowed);
  }
}

TEST_F(AccountRegistryTest, ActsOnlyAsWhomItCouldBeAnyway) {
  constexpr char kActAs[] = "iam.serviceAccounts.actAs";
  auto trainer = TestAccount("trainer@x").Record("research", "viewer");
  registry_.Replace({Owner().Record("*", "admin"), Other().Record("research", "user"), trainer});
  const auto allowed = [&](const std::string& caller, const std::string& as) {
    return registry_
        .Check({caller, ""}, kActAs, absl::StrCat("projects/research/serviceAccounts/", as))
        .ok();
  };
  EXPECT_TRUE(allowed(Other().email(), "trainer@x"));
  EXPECT_TRUE(allowed(Other().email(), Other().email()));
  EXPECT_TRUE(allowed("trainer@x", "trainer@x"));
  EXPECT_TRUE(allowed(Owner().email(), Other().email()));
  EXPECT_FALSE(allowed(Other().email(), Owner().email()));  // would gain every project
  EXPECT_FALSE(allowed("trainer@x", Other().email()));
  EXPECT_FALSE(allowed(Owner().email(), "nobody@x"));
}

TEST(PermissionsTest, RolesIncludeOneAnother) {
  const auto& viewer = PermissionsOf("viewer");
  const auto& user = PermissionsOf("user");
  const auto& admin = PermissionsOf("admin");
  EXPECT_TRUE(std::includes(user.begin(), user.end(), viewer.begin(), viewer.end()));
  EXPECT_TRUE(std::includes(admin.begin(), admin.end(), user.begin(), user.end()));
  EXPECT_LT(viewer.size(), user.size());
  EXPECT_LT(user.size(), admin.size());
  EXPECT_TRUE(PermissionsOf("root").empty());
  EXPECT_TRUE(PermissionsOf("").empty());
}

TEST(PermissionsTest, DeniesInGooglesWords) {
  const absl::Status status =
      PermissionDenied("aiplatform.customJobs.create", "projects/p/locations/l");
  EXPECT_EQ(status.message(),
            "Permission 'aiplatform.customJobs.create' denied on resource "
            "'//aiplatform.googleapis.com/projects/p/locations/l' (or it may not exist).");
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  ASSERT_TRUE(payload.has_value());
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(std::string(*payload)));
  EXPECT_EQ(info.reason(), "IAM_PERMISSION_DENIED");
  EXPECT_EQ(info.domain(), "aiplatform.googleapis.com");
  EXPECT_EQ(info.metadata().at("permission"), "aiplatform.customJobs.create");
  EXPECT_THAT(std::string(PermissionDenied("resourcemanager.projects.get", "projects/p").message()),
              HasSubstr("//cloudresourcemanager.googleapis.com/projects/p"));
}

TEST(ServiceAccountKeyTest, HasWhatGooglesClientsWant) {
  const auto file = ParseJson(Owner().key().key_file_json);
  for (const char* field : {"type", "project_id", "private_key_id", "private_key", "client_email",
                            "client_id", "auth_uri", "token_uri", "auth_provider_x509_cert_url",
                            "client_x509_cert_url", "universe_domain"}) {
    EXPECT_FALSE(file.fields().at(field).string_value().empty()) << field;
  }
  EXPECT_EQ(file.fields().at("type").string_value(), "service_account");
  EXPECT_THAT(file.fields().at("client_x509_cert_url").string_value(),
              HasSubstr("owner%40trainyard"));
  EXPECT_EQ(Owner().key().key_id.size(), 40u);
  EXPECT_TRUE(absl::StartsWith(file.fields().at("private_key").string_value(),
                               "-----BEGIN PRIVATE KEY-----\n"));
}

TEST(VerifiedTokensTest, IsBounded) {
  VerifiedTokens tokens;
  const absl::Time now = absl::FromUnixSeconds(100);
  for (size_t i = 0; i < 3 * VerifiedTokens::kGenerationMax; ++i) {
    tokens.Add(absl::StrCat(i), {"a", "k"}, now + absl::Seconds(1));
  }
  EXPECT_LE(tokens.size(), 2 * VerifiedTokens::kGenerationMax);
  Caller caller;
  EXPECT_FALSE(tokens.Find("0", now, caller));
  EXPECT_TRUE(tokens.Find(absl::StrCat(3 * VerifiedTokens::kGenerationMax - 1), now, caller));
  EXPECT_FALSE(tokens.Find(absl::StrCat(3 * VerifiedTokens::kGenerationMax - 1),
                           now + absl::Seconds(1), caller));
}

}  // namespace
}  // namespace trainyard::edge
