// Accounts: their keys, how they prove themselves, and what they may do.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "edge/call.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::edge {

struct JsonWebToken;

struct NewKey {
  std::string key_id;
  std::string key_file_json;  // Google's service-account key file
  std::string public_key_pem;
};

// RSA 2048. `token_uri` e.g. "https://127.0.0.1:8443/token"; `project` is the default project in
// the file.
absl::StatusOr<NewKey> MakeServiceAccountKey(base::Random& random, absl::string_view email,
                                             absl::string_view project,
                                             absl::string_view token_uri);

// Accounts, in memory, replaced as a whole when they change; a key that is gone ends its tokens at
// once. Authenticates self-signed JWTs (RS256; iss = sub = account, kid = key, exp at most an hour
// after iat, and an audience or a scope) and the access tokens that Exchange and Mint gave out; and
// decides by roles. A scope must be one of Google's but neither grants nor narrows: roles decide.
// Threads: any.
class AccountRegistry : public Authenticator, public Policy {
 public:
  // `token_secret`: 32 bytes that sign access tokens. `audiences`: hosts accepted in `aud` beside
  // *.googleapis.com, with or without a port, which is not looked at.
  AccountRegistry(const base::Clock& clock, std::string token_secret,
                  std::vector<std::string> audiences);
  ~AccountRegistry() override;
  void Replace(std::vector<trainyard::store::v1::AccountRecord> accounts) EXCLUDES(mutex_);
  std::vector<trainyard::store::v1::AccountRecord> accounts() const;

  absl::StatusOr<Caller> Authenticate(absl::string_view authorization) override;
  // The project is read from "projects/P/..."; a resource without one (empty: the server itself)
  // needs a binding on "*". For iam.serviceAccounts.actAs on "projects/P/serviceAccounts/E": the
  // account itself may, and who has the permission and everything that E may do.
  absl::Status Check(const Caller& caller, absl::string_view permission,
                     absl::string_view resource) override;

  // The token endpoint: a signed assertion in, an access token out (one hour).
  struct Token {
    std::string access_token;
    int expires_in_seconds = 0;
  };
  // UNAUTHENTICATED with a sentence.
  absl::StatusOr<Token> Exchange(absl::string_view assertion);
  // A token for the command line and the token file, without an assertion. NOT_FOUND: no such
  // account.
  absl::StatusOr<Token> Mint(const std::string& account, absl::Duration lifetime);
  bool Exists(absl::string_view account) const;

 private:
  struct State;
  std::shared_ptr<const State> Now() const EXCLUDES(mutex_);
  absl::StatusOr<Caller> AuthenticateAccessToken(const State& state, absl::string_view token) const;
  absl::StatusOr<Caller> AuthenticateJsonWebToken(const State& state,
                                                  absl::string_view token) const;
  absl::StatusOr<JsonWebToken> Verify(const State& state, absl::string_view token) const;
  absl::Status CheckTimes(const JsonWebToken& token) const;
  absl::Status CheckPurpose(const JsonWebToken& token) const;
  bool IsOwnHost(absl::string_view host) const;

  mutable base::Mutex mutex_;
  std::shared_ptr<const State> state_ GUARDED_BY(mutex_);
  const base::Clock& clock_;
  const std::string token_secret_;
  const std::vector<std::string> audiences_;
};

// The permissions of a role, sorted: "admin", "user", "viewer". Empty for an unknown role.
const std::vector<std::string>& PermissionsOf(absl::string_view role);

// PERMISSION_DENIED in Google's words, with its ErrorInfo.
absl::Status PermissionDenied(absl::string_view permission, absl::string_view resource);

}  // namespace trainyard::edge
