#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/status.h"
#include "edge/access_token.h"
#include "edge/accounts.h"
#include "edge/json_web_token.h"
#include "edge/openssl.h"
#include "edge/verified_tokens.h"

namespace trainyard::edge {
namespace {

using trainyard::store::v1::AccountRecord;

constexpr absl::Duration kTokenLifetime = absl::Hours(1);
constexpr absl::Duration kSkew = absl::Minutes(5);
constexpr absl::string_view kActAs = "iam.serviceAccounts.actAs";
constexpr absl::string_view kScopePrefix = "https://www.googleapis.com/auth/";
constexpr absl::string_view kTokenPath = "/token";

absl::Status Unauthenticated(absl::string_view why) {
  return absl::UnauthenticatedError(
      absl::StrCat("The token ", why, ". `trainyard env` gives this shell a good credential."));
}

// Ids come from outside: only what an id is made of is repeated to the caller.
std::string Shown(absl::string_view id) {
  std::string shown;
  for (const char c : id.substr(0, 64)) {
    const bool plain = absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                       absl::StrContains("@.-_", absl::string_view(&c, 1));
    shown += plain ? c : '?';
  }
  return shown;
}

// "projects/P/..." -> "P"; empty when there is none.
absl::string_view ProjectOf(absl::string_view resource) {
  if (!absl::ConsumePrefix(&resource, "projects/")) return "";
  return resource.substr(0, resource.find('/'));
}

// As they appear in a URL: lower case, without a port, an IPv6 address in brackets.
std::vector<std::string> HostsOf(const std::vector<std::string>& audiences) {
  std::vector<std::string> hosts;
  for (const std::string& audience : audiences) {
    const bool bare_ipv6 =
        std::count(audience.begin(), audience.end(), ':') > 1 && !absl::StartsWith(audience, "[");
    std::string host, path;
    if (ParseAudience(bare_ipv6 ? absl::StrCat("https://[", audience, "]")
                                : absl::StrCat("https://", audience),
                      host, path)) {
      hosts.push_back(host);
    }
  }
  return hosts;
}

bool IsGoogleTokenUrl(absl::string_view host, absl::string_view path) {
  return (host == "oauth2.googleapis.com" && path == kTokenPath) ||
         (host == "www.googleapis.com" && path == "/oauth2/v4/token") ||
         (host == "accounts.google.com" && path == "/o/oauth2/token");
}

bool HasGoogleScope(absl::string_view scopes) {
  const std::vector<absl::string_view> list = absl::StrSplit(scopes, ' ');
  return std::any_of(list.begin(), list.end(), [](absl::string_view scope) {
    return absl::StartsWith(scope, kScopePrefix) && scope.size() > kScopePrefix.size();
  });
}

// Of one account, the newest, where an assertion does not say which: more would make a forgery dear
// to refuse.
constexpr int kKeysTriedMax = 8;

bool Includes(const std::vector<std::string>& permissions, absl::string_view permission) {
  return std::binary_search(permissions.begin(), permissions.end(), permission);
}

// Whether the account holds the permission on the project ("": on every project).
bool Holds(const AccountRecord& account, absl::string_view permission, absl::string_view project) {
  for (const AccountRecord::Binding& binding : account.bindings()) {
    const bool applies =
        binding.project() == "*" || (!project.empty() && project == binding.project());
    if (applies && Includes(PermissionsOf(binding.role()), permission)) return true;
  }
  return false;
}

// Whether `account` may do everything that `other` may, so that acting as it gains nothing.
bool Covers(const AccountRecord& account, const AccountRecord& other) {
  for (const AccountRecord::Binding& binding : other.bindings()) {
    const std::string project = binding.project() == "*" ? "" : binding.project();
    for (const std::string& permission : PermissionsOf(binding.role())) {
      if (!Holds(account, permission, project)) return false;
    }
  }
  return true;
}

}  // namespace

// One generation of accounts. Never changes, but for what it remembers of tokens: that goes with
// it, so a token of a revoked key is not found again.
struct AccountRegistry::State {
  struct Key {
    std::string account;
    KeyPointer key;
  };

  const AccountRecord* Find(absl::string_view account) const {
    const auto found = by_email.find(account);
    return found == by_email.end() ? nullptr : &accounts[found->second];
  }

  // Node's library names no key (kid) in its assertions: the id of the issuer's key that signed
  // this one, or of any of them when none did. Empty: no such account, or it has no key.
  std::string SignerOf(const JsonWebToken& token) const {
    const AccountRecord* account = Find(token.issuer);
    if (account == nullptr || account->keys().empty()) return "";
    const int count = account->keys_size();
    for (int i = count - 1; i >= std::max(0, count - kKeysTriedMax); --i) {
      const auto key = keys.find(account->keys(i).id());
      if (key != keys.end() &&
          VerifyRs256(key->second.key.get(), token.signed_text, token.signature)) {
        return key->first;
      }
    }
    return account->keys(count - 1).id();
  }

  std::vector<AccountRecord> accounts;
  std::map<std::string, size_t, std::less<>> by_email;
  std::map<std::string, Key, std::less<>> keys;
  std::unique_ptr<VerifiedTokens> verified = std::make_unique<VerifiedTokens>();
};

AccountRegistry::AccountRegistry(const base::Clock& clock, std::string token_secret,
                                 std::vector<std::string> audiences)
    : state_(std::make_shared<State>()),
      clock_(clock),
      token_secret_(std::move(token_secret)),
      audiences_(HostsOf(audiences)) {
  CHECK(token_secret_.size() >= 32);
}

AccountRegistry::~AccountRegistry() = default;

void AccountRegistry::Replace(std::vector<AccountRecord> accounts) {
  auto state = std::make_shared<State>();
  state->accounts = std::move(accounts);
  for (size_t i = 0; i < state->accounts.size(); ++i) {
    const AccountRecord& account = state->accounts[i];
    state->by_email[account.email()] = i;
    for (const AccountRecord::Key& key : account.keys()) {
      absl::StatusOr<KeyPointer> parsed = ReadPublicKeyPem(key.public_key_pem());
      if (!parsed.ok()) {
        base::Log(base::Severity::kError, absl::StrCat("key ", key.id(), " of ", account.email(),
                                                       " is no public key; left out"));
        continue;
      }
      state->keys[key.id()] = {account.email(), *std::move(parsed)};
    }
  }
  base::MutexLock lock(mutex_);
  state_ = std::move(state);
}

std::shared_ptr<const AccountRegistry::State> AccountRegistry::Now() const {
  base::MutexLock lock(mutex_);
  return state_;
}

std::vector<AccountRecord> AccountRegistry::accounts() const { return Now()->accounts; }

bool AccountRegistry::Exists(absl::string_view account) const {
  return Now()->Find(account) != nullptr;
}

// --- who ---

absl::StatusOr<Caller> AccountRegistry::Authenticate(absl::string_view authorization) {
  constexpr absl::string_view kScheme = "bearer ";
  if (absl::StripAsciiWhitespace(authorization).empty()) {
    return absl::UnauthenticatedError(
        "No credential was sent. Google's clients find theirs after `eval \"$(trainyard env)\"`. A "
        "storage.Client() under STORAGE_EMULATOR_HOST sends none by itself: pass project= and "
        "credentials=google.auth.default()[0]. With curl: -H \"Authorization: Bearer $(gcloud auth "
        "print-access-token)\".");
  }
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) {
    return absl::UnauthenticatedError(
        "Only `Authorization: Bearer TOKEN` is taken; `trainyard env` gives this shell a good "
        "credential.");
  }
  const absl::string_view token = absl::StripAsciiWhitespace(authorization.substr(kScheme.size()));
  const std::shared_ptr<const State> state = Now();
  if (absl::StartsWith(token, kAccessTokenPrefix)) return AuthenticateAccessToken(*state, token);
  if (absl::StartsWith(token, "ya29.")) {
    return Unauthenticated("is one of Google's own, which this server does not know");
  }
  return AuthenticateJsonWebToken(*state, token);
}

absl::StatusOr<Caller> AccountRegistry::AuthenticateAccessToken(const State& state,
                                                                absl::string_view text) const {
  const absl::StatusOr<AccessToken> token = DecodeAccessToken(text, token_secret_);
  if (!token.ok()) return Unauthenticated(token.status().message());
  if (token->expires <= clock_.Now()) return Unauthenticated("has expired");
  if (token->key_id.empty()) {
    if (state.Find(token->account) == nullptr) return Unauthenticated("is of a removed account");
  } else {
    const auto key = state.keys.find(token->key_id);
    if (key == state.keys.end() || key->second.account != token->account) {
      return Unauthenticated("was given for a key that has been revoked");
    }
  }
  return Caller{token->account, token->key_id};
}

absl::StatusOr<Caller> AccountRegistry::AuthenticateJsonWebToken(const State& state,
                                                                 absl::string_view text) const {
  const std::string digest = Sha256(text);
  Caller caller;
  if (state.verified->Find(digest, clock_.Now(), caller)) return caller;
  absl::StatusOr<JsonWebToken> token = Verify(state, text);
  absl::Status status = token.status();
  if (status.ok() && token->subject != token->issuer) {
    status = absl::InvalidArgumentError("speaks for another account (sub is not iss)");
  }
  if (status.ok()) status = CheckPurpose(*token);
  if (!status.ok()) return Unauthenticated(status.message());
  caller = {token->issuer, token->key_id};
  state.verified->Add(digest, caller, token->expires);
  return caller;
}

// The signature and the times; then what the token says is what the key's owner says.
absl::StatusOr<JsonWebToken> AccountRegistry::Verify(const State& state,
                                                     absl::string_view text) const {
  ASSIGN_OR_RETURN(JsonWebToken token, ParseJsonWebToken(text));
  if (token.key_id.empty()) token.key_id = state.SignerOf(token);
  const auto key = state.keys.find(token.key_id);
  if (key == state.keys.end()) {
    return absl::InvalidArgumentError(absl::StrCat("is signed by the key ", Shown(token.key_id),
                                                   ", which was revoked or is of another server"));
  }
  if (!VerifyRs256(key->second.key.get(), token.signed_text, token.signature)) {
    return absl::InvalidArgumentError("has a wrong signature");
  }
  if (key->second.account != token.issuer) {
    return absl::InvalidArgumentError(
        absl::StrCat("says iss ", Shown(token.issuer), ", whose key this is not"));
  }
  RETURN_IF_ERROR(CheckTimes(token));
  return token;
}

absl::Status AccountRegistry::CheckTimes(const JsonWebToken& token) const {
  const absl::Time now = clock_.Now();
  const std::string here =
      absl::StrCat(" (it is ", absl::FormatTime(absl::RFC3339_sec, now, absl::UTCTimeZone()),
                   " here; is a clock wrong?)");
  if (token.expires <= now) return absl::InvalidArgumentError(absl::StrCat("has expired", here));
  if (token.issued > now + kSkew) {
    return absl::InvalidArgumentError(absl::StrCat("is from the future", here));
  }
  if (token.expires > token.issued + kTokenLifetime) {
    return absl::InvalidArgumentError("is good for more than one hour");
  }
  return absl::OkStatus();
}

bool AccountRegistry::IsOwnHost(absl::string_view host) const {
  return std::find(audiences_.begin(), audiences_.end(), host) != audiences_.end();
}

// That a self-signed token was made for this server's services, not for another purpose.
absl::Status AccountRegistry::CheckPurpose(const JsonWebToken& token) const {
  if (token.audience.empty()) {
    if (HasGoogleScope(token.scope)) return absl::OkStatus();
    return absl::InvalidArgumentError("names neither an audience (aud) nor a scope of Google's");
  }
  std::string host, path;
  const bool is_url = ParseAudience(token.audience, host, path);
  const bool ours = is_url && (IsOwnHost(host) || absl::EndsWith(host, ".googleapis.com"));
  if (!ours) return absl::InvalidArgumentError("is for another audience (aud)");
  // What was signed to be exchanged is no credential by itself.
  if ((IsOwnHost(host) && path == kTokenPath) || IsGoogleTokenUrl(host, path)) {
    return absl::InvalidArgumentError("is an assertion for the token endpoint; exchange it there");
  }
  return absl::OkStatus();
}

absl::StatusOr<AccountRegistry::Token> AccountRegistry::Exchange(absl::string_view assertion) {
  const auto refuse = [](absl::string_view why) {
    return absl::UnauthenticatedError(absl::StrCat("The assertion ", why, "."));
  };
  const absl::StatusOr<JsonWebToken> token = Verify(*Now(), assertion);
  if (!token.ok()) return refuse(token.status().message());
  if (!token->subject.empty() && token->subject != token->issuer) {
    return refuse("speaks for another account (sub is not iss)");
  }
  std::string host, path;
  const bool for_us = ParseAudience(token->audience, host, path) &&
                      ((IsOwnHost(host) && path == kTokenPath) || IsGoogleTokenUrl(host, path));
  if (!for_us) return refuse("is for another audience: aud must be the token endpoint");
  if (token->wants_identity_token) {
    return refuse("asks for an identity token (target_audience); only access tokens are given");
  }
  const AccessToken access{token->issuer, token->key_id, clock_.Now() + kTokenLifetime};
  return Token{EncodeAccessToken(access, token_secret_),
               static_cast<int>(absl::ToInt64Seconds(kTokenLifetime))};
}

absl::StatusOr<AccountRegistry::Token> AccountRegistry::Mint(const std::string& account,
                                                             absl::Duration lifetime) {
  if (!Exists(account)) return absl::NotFoundError(absl::StrCat("no account ", account));
  const AccessToken access{account, "", clock_.Now() + lifetime};
  return Token{EncodeAccessToken(access, token_secret_),
               static_cast<int>(absl::ToInt64Seconds(lifetime))};
}

// --- what ---

absl::Status AccountRegistry::Check(const Caller& caller, absl::string_view permission,
                                    absl::string_view resource) {
  const std::shared_ptr<const State> state = Now();
  const AccountRecord* account = state->Find(caller.account);
  if (account == nullptr || caller.account.empty()) return PermissionDenied(permission, resource);
  if (permission == kActAs) {
    const size_t slash = resource.rfind('/');
    const AccountRecord* other =
        state->Find(resource.substr(slash == resource.npos ? 0 : slash + 1));
    if (other == account) return absl::OkStatus();
    if (other == nullptr || !Covers(*account, *other))
      return PermissionDenied(permission, resource);
  }
  if (Holds(*account, permission, ProjectOf(resource))) return absl::OkStatus();
  return PermissionDenied(permission, resource);
}

}  // namespace trainyard::edge
