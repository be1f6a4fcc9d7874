#include "bin/identity_setup.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"
#include "cli/ca_bundle.h"
#include "cli/connection.h"
#include "trainyard/store/v1/records.pb.h"

namespace trainyard::bin {
namespace {

namespace records = trainyard::store::v1;

absl::StatusOr<std::vector<records::AccountRecord>> ReadAccounts(store::Store& store) {
  ASSIGN_OR_RETURN(std::vector<store::Record> found, store.ListLive(store::kAccounts));
  std::vector<records::AccountRecord> accounts;
  for (const store::Record& record : found) {
    records::AccountRecord account;
    if (!account.ParseFromString(record.value)) {
      return absl::DataLossError(
          absl::StrCat("the record of account ", record.name, " is damaged"));
    }
    accounts.push_back(std::move(account));
  }
  return accounts;
}

absl::StatusOr<records::AccountRecord> MakeOwner(base::Disk& disk, const base::Clock& clock,
                                                 base::Random& random, const ServerConfig& config,
                                                 const DataPaths& paths, int port) {
  std::string token_uri = absl::StrCat("https://", EndpointOf(config, port), "/token");
  ASSIGN_OR_RETURN(
      edge::NewKey key,
      edge::MakeServiceAccountKey(random, OwnerAccount(config), config.default_project, token_uri));
  RETURN_IF_ERROR(disk.WriteAtomically(paths.owner_key(), key.key_file_json, 0600));
  records::AccountRecord owner;
  owner.set_email(OwnerAccount(config));
  records::AccountRecord::Key* stored = owner.add_keys();
  stored->set_id(key.key_id);
  stored->set_public_key_pem(key.public_key_pem);
  stored->mutable_create_time()->set_seconds(absl::ToUnixSeconds(clock.Now()));
  records::AccountRecord::Binding* binding = owner.add_bindings();
  binding->set_project("*");
  binding->set_role("admin");
  return owner;
}

}  // namespace

absl::Status MakeDirectories(base::Disk& disk, const DataPaths& paths) {
  for (const std::string& directory : {paths.root, paths.tls(), paths.secrets(), paths.store(),
                                       paths.logs(), paths.replicas(), paths.objects()}) {
    RETURN_IF_ERROR(disk.MakeDirectories(directory, 0700));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> LoadSecret(base::Disk& disk, base::Random& random,
                                       const DataPaths& paths, const std::string& name) {
  std::string path = absl::StrCat(paths.secrets(), "/", name);
  absl::StatusOr<std::string> secret = disk.Read(path);
  if (secret.ok() && secret->size() == 32) return secret;
  if (secret.ok()) return absl::DataLossError(absl::StrCat(path, " is damaged: expected 32 bytes"));
  if (!absl::IsNotFound(secret.status())) return secret.status();
  std::string fresh;
  while (fresh.size() < 32) {
    uint64_t word = random.Uint64();
    fresh.append(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  RETURN_IF_ERROR(disk.WriteAtomically(path, fresh, 0600));
  return fresh;
}

std::string OwnerAccount(const ServerConfig& config) {
  return absl::StrCat("owner@", config.default_project, ".iam.gserviceaccount.com");
}

absl::Status LoadAccounts(base::Disk& disk, const base::Clock& clock, base::Random& random,
                          const ServerConfig& config, const DataPaths& paths, int port,
                          store::Store& store, edge::AccountRegistry& registry) {
  ASSIGN_OR_RETURN(std::vector<records::AccountRecord> accounts, ReadAccounts(store));
  if (accounts.empty()) {
    // The key file first: a crash before the commit makes another one at the next start.
    ASSIGN_OR_RETURN(records::AccountRecord owner,
                     MakeOwner(disk, clock, random, config, paths, port));
    store::Transaction transaction;
    store::Write& write = transaction.writes.emplace_back();
    write.record.kind = store::kAccounts;
    write.record.name = owner.email();
    write.record.live = true;
    write.record.create_time = clock.Now();
    write.record.value = owner.SerializeAsString();
    RETURN_IF_ERROR(store.Commit(transaction).status());
    base::Log(base::Severity::kInfo,
              absl::StrCat("first start: the owner's key is in ", paths.owner_key()));
    accounts.push_back(std::move(owner));
  }
  registry.Replace(std::move(accounts));
  return absl::OkStatus();
}

absl::Status WriteClientFiles(base::Disk& disk, const ServerConfig& config, const DataPaths& paths,
                              const std::string& endpoint) {
  // With certificates of the site's own, clients trust them already, or are told to by the site.
  std::string ca_file = config.certificate.empty() ? paths.tls() + "/ca.pem" : config.ca_bundle;
  RETURN_IF_ERROR(cli::WriteMergedBundle(disk, {config.ca_bundle}, ca_file, paths.ca_bundle()));
  cli::Target target;
  target.endpoint = endpoint;
  target.ca_file = ca_file;
  target.ca_bundle = paths.ca_bundle();
  target.credentials = paths.owner_key();
  target.project = config.default_project;
  target.location = config.default_location;
  return disk.WriteAtomically(paths.client_file(), cli::ClientFileJson(target), 0600);
}

absl::Status WriteAccessToken(base::Disk& disk, const ServerConfig& config, const DataPaths& paths,
                              edge::AccountRegistry& registry) {
  absl::StatusOr<edge::AccountRegistry::Token> token =
      registry.Mint(OwnerAccount(config), absl::Hours(1));
  if (absl::IsNotFound(token.status())) return disk.Remove(paths.access_token());  // revoked
  RETURN_IF_ERROR(token.status());
  return disk.WriteAtomically(paths.access_token(), token->access_token, 0600);
}

std::string EndpointOf(const ServerConfig& config, int port) {
  std::string host = config.listen.substr(0, config.listen.rfind(':'));
  if (host.empty() || host == "0.0.0.0" || host == "[::]") host = "127.0.0.1";
  return absl::StrCat(host, ":", port);
}

}  // namespace trainyard::bin
