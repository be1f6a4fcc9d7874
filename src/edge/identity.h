// Identity: the private CA, the server's certificate, service-account keys, tokens, roles, the
// audit file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/mutex.h"
#include "base/random.h"
#include "edge/call.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::edge {

// --- certificates ---

struct CertificatePaths {
  std::string ca_certificate;      // DIR/ca.pem
  std::string ca_key;              // DIR/ca.key, 0600
  std::string server_certificate;  // DIR/server.pem: chain
  std::string server_key;          // DIR/server.key, 0600
};

struct CertificateOptions {
  std::string directory;
  std::vector<std::string>
      names;  // DNS names and IP addresses of the server, beside localhost and Google's
  absl::Duration lifetime = absl::Hours(24 * 90);
  absl::Duration renew_before = absl::Hours(24 * 30);
};

// Makes what is not there: a CA whose name constraints permit only localhost, private and named
// hosts, and
// *.googleapis.com (for `trainyard exec`), and a server certificate; renews the latter when it is
// due or its names changed. True when something was written.
absl::StatusOr<bool> EnsureCertificates(base::Disk& disk, const base::Clock& clock,
                                        const CertificateOptions& options, CertificatePaths& paths);

// --- accounts and keys ---

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

// Accounts, in memory, replaced as a whole when they change. Authenticates self-signed JWTs (RS256;
// iss = sub = account, kid = key, exp, iat, and an audience or a scope) and the access tokens that
// Exchange gave out; and decides by roles.
class AccountRegistry : public Authenticator, public Policy {
 public:
  // `token_secret`: 32 bytes that sign access tokens. `audiences`: hosts accepted in `aud` beside
  // *.googleapis.com.
  AccountRegistry(const base::Clock& clock, std::string token_secret,
                  std::vector<std::string> audiences);
  void Replace(std::vector<trainyard::store::v1::AccountRecord> accounts);
  std::vector<trainyard::store::v1::AccountRecord> accounts() const;

  absl::StatusOr<Caller> Authenticate(absl::string_view authorization) override;
  absl::Status Check(const Caller& caller, absl::string_view permission,
                     absl::string_view resource) override;

  // The token endpoint: a signed assertion in, an access token out (one hour).
  struct Token {
    std::string access_token;
    int expires_in_seconds = 0;
  };
  absl::StatusOr<Token> Exchange(absl::string_view assertion);
  // A token for the command line and the token file, without an assertion.
  absl::StatusOr<Token> Mint(const std::string& account, absl::Duration lifetime);
  bool Exists(absl::string_view account) const;

 private:
  struct State;
  mutable base::Mutex mutex_;
  std::shared_ptr<const State> state_ GUARDED_BY(mutex_);
  const base::Clock& clock_;
  const std::string token_secret_;
  const std::vector<std::string> audiences_;
};

// The permissions of a role: "admin", "user", "viewer". Empty for an unknown role.
const std::vector<std::string>& PermissionsOf(absl::string_view role);

// JSON Lines in the shape of Google's audit entries, append-only, hash-chained, mode 0600.
absl::StatusOr<std::unique_ptr<Audit>> OpenAuditFile(base::Disk& disk, const std::string& path);

}  // namespace trainyard::edge
