// The keys of trainyard.admin.v1.AdminService. Who may change an account is settled here: its
// bindings say where it counts, and the request does not.
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "api/account_changes.h"
#include "api/registrations.h"
#include "api/reply.h"
#include "base/status.h"
#include "model/field_format.h"
#include "model/names.h"
#include "trainyard/admin/v1/admin.pb.h"

namespace trainyard::api {
namespace {

namespace admin = trainyard::admin::v1;
using trainyard::store::v1::AccountRecord;

constexpr char kService[] = "trainyard.admin.v1.AdminService/";
constexpr int kKeysOfAccountMax = 10;
constexpr int kBindingsMax = 100;

std::string ResourceOf(const std::string& project) {
  return project == "*" ? "" : absl::StrCat("projects/", project);  // "": the server itself
}

// The permission on every project that the account counts in; on the server for one without any.
template <typename Bindings>
absl::Status CheckBindings(edge::AccountRegistry& accounts, const edge::Caller& caller,
                           absl::string_view permission, const Bindings& bindings) {
  if (bindings.empty()) return accounts.Check(caller, permission, "");
  for (const auto& binding : bindings) {
    RETURN_IF_ERROR(accounts.Check(caller, permission, ResourceOf(binding.project())));
  }
  return absl::OkStatus();
}

absl::Status ValidateBindings(const admin::CreateKeyRequest& request) {
  if (request.bindings_size() > kBindingsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("bindings: at most ", kBindingsMax, " are allowed."));
  }
  for (const admin::Binding& binding : request.bindings()) {
    if (edge::PermissionsOf(binding.role()).empty()) {
      return absl::InvalidArgumentError(absl::StrCat("bindings: there is no role ",
                                                     model::Quoted(binding.role()),
                                                     "; the roles are admin, user, viewer."));
    }
    std::string name = absl::StrCat("projects/", binding.project(), "/locations/-");
    if (binding.project() != "*" && !model::ParseLocation(name).ok()) {
      return absl::InvalidArgumentError(absl::StrCat("bindings: ", model::Quoted(binding.project()),
                                                     " is no project id; * is every project."));
    }
  }
  return absl::OkStatus();
}

// "alice" -> "alice@PROJECT.iam.gserviceaccount.com"
absl::StatusOr<std::string> CompleteEmail(const admin::CreateKeyRequest& request,
                                          const std::string& project) {
  std::string email = request.account();
  if (!absl::StrContains(email, "@")) {
    absl::StrAppend(&email, "@", project, ".iam.gserviceaccount.com");
  }
  if (model::IsEmail(email)) return email;
  return absl::InvalidArgumentError(
      absl::StrCat("account: ", model::Quoted(request.account()),
                   " is neither a short name nor an e-mail address."));
}

AccountRecord* FindAccount(AccountChanges::Accounts& accounts, const std::string& email) {
  auto found = std::find_if(accounts.begin(), accounts.end(),
                            [&](const AccountRecord& account) { return account.email() == email; });
  return found == accounts.end() ? nullptr : &*found;
}

void AddBinding(const admin::Binding& binding, AccountRecord& account) {
  for (const auto& known : account.bindings()) {
    if (known.project() == binding.project() && known.role() == binding.role()) return;
  }
  AccountRecord::Binding& added = *account.add_bindings();
  added.set_project(binding.project());
  added.set_role(binding.role());
}

// Whether somebody is left who may do everything.
bool HasOwner(const AccountChanges::Accounts& accounts) {
  return std::any_of(accounts.begin(), accounts.end(), [](const AccountRecord& account) {
    if (account.keys().empty()) return false;
    return std::any_of(account.bindings().begin(), account.bindings().end(),
                       [](const auto& b) { return b.project() == "*" && b.role() == "admin"; });
  });
}

class KeysService {
 public:
  explicit KeysService(const Services& services)
      : services_(services),
        changes_(
            std::make_shared<AccountChanges>(services.engine, services.accounts, services.clock)) {}

  void Create(const edge::Call& call, const admin::CreateKeyRequest& request,
              edge::Responder respond) {
    if (absl::Status status = ValidateBindings(request); !status.ok()) return respond(status);
    std::string project = services_.facts.default_project;
    if (request.bindings_size() > 0 && request.bindings(0).project() != "*") {
      project = request.bindings(0).project();
    }
    absl::StatusOr<std::string> email = CompleteEmail(request, project);
    if (!email.ok()) return respond(email.status());
    // Before the key is made, which costs a tenth of a second; and again when it counts.
    absl::Status allowed =
        CheckBindings(services_.accounts, call.caller, "trainyard.keys.create", request.bindings());
    if (!allowed.ok()) return respond(allowed);
    absl::StatusOr<edge::NewKey> key =
        edge::MakeServiceAccountKey(services_.random, *email, project, services_.facts.token_uri);
    if (!key.ok()) return respond(key.status());
    admin::CreateKeyResponse response;
    response.set_account(*email);
    response.set_key_id(key->key_id);
    response.set_key_file(key->key_file_json);
    changes_->Apply(
        [this, caller = call.caller, request, email = *email,
         key = *std::move(key)](AccountChanges::Accounts& accounts) {
          return AddKey(caller, request, email, key, accounts);
        },
        [respond = std::move(respond),
         response = std::move(response)](absl::Status status) mutable {
          if (!status.ok()) return respond(status);
          Send<admin::CreateKeyResponse>(respond, std::move(response));
        });
  }

  absl::StatusOr<admin::ListKeysResponse> List(const edge::Call& call) {
    admin::ListKeysResponse response;
    for (const AccountRecord& account : services_.accounts.accounts()) {
      if (!MaySee(call.caller, account)) continue;
      for (const AccountRecord::Key& key : account.keys()) {
        auto& added = *response.add_keys();
        added.set_account(account.email());
        added.set_key_id(key.id());
        *added.mutable_create_time() = key.create_time();
        for (const auto& binding : account.bindings()) {
          added.add_bindings()->set_project(binding.project());
          added.mutable_bindings()->rbegin()->set_role(binding.role());
        }
      }
    }
    return response;
  }

  void Revoke(const edge::Call& call, const admin::RevokeKeyRequest& request,
              edge::Responder respond) {
    changes_->Apply(
        [this, caller = call.caller, id = request.key_id()](AccountChanges::Accounts& accounts) {
          return RemoveKey(caller, id, accounts);
        },
        [respond = std::move(respond)](absl::Status status) mutable {
          if (!status.ok()) return respond(status);
          Send<admin::RevokeKeyResponse>(respond, admin::RevokeKeyResponse());
        });
  }

 private:
  absl::StatusOr<std::string> AddKey(const edge::Caller& caller,
                                     const admin::CreateKeyRequest& request,
                                     const std::string& email, const edge::NewKey& key,
                                     AccountChanges::Accounts& accounts) {
    AccountRecord* account = FindAccount(accounts, email);
    if (account == nullptr) {
      account = &accounts.emplace_back();
      account->set_email(email);
    }
    for (const admin::Binding& binding : request.bindings()) AddBinding(binding, *account);
    // A key gives all that its account may do.
    RETURN_IF_ERROR(
        CheckBindings(services_.accounts, caller, "trainyard.keys.create", account->bindings()));
    if (account->keys_size() >= kKeysOfAccountMax) {
      return absl::FailedPreconditionError(absl::StrCat(
          "Account ", email, " has ", kKeysOfAccountMax, " keys already; revoke one first."));
    }
    AccountRecord::Key& added = *account->add_keys();
    added.set_id(key.key_id);
    added.set_public_key_pem(key.public_key_pem);
    *added.mutable_create_time() = ToTimestamp(services_.clock.Now());
    return email;
  }

  absl::StatusOr<std::string> RemoveKey(const edge::Caller& caller, const std::string& id,
                                        AccountChanges::Accounts& accounts) {
    for (AccountRecord& account : accounts) {
      auto& keys = *account.mutable_keys();
      auto found = std::find_if(keys.begin(), keys.end(),
                                [&](const AccountRecord::Key& key) { return key.id() == id; });
      if (found == keys.end() || !MaySee(caller, account)) continue;
      RETURN_IF_ERROR(
          CheckBindings(services_.accounts, caller, "trainyard.keys.revoke", account.bindings()));
      bool had_owner = HasOwner(accounts);
      keys.erase(found);
      if (had_owner && !HasOwner(accounts)) {
        return absl::FailedPreconditionError(absl::StrCat(
            "Key ", id, " is the last one that may do everything; make another before it goes."));
      }
      return account.email();
    }
    return absl::NotFoundError(absl::StrCat("Key ", model::Quoted(id), " was not found."));
  }

  // One of the projects that the account counts in is enough.
  bool MaySee(const edge::Caller& caller, const AccountRecord& account) {
    auto allowed = [&](const std::string& resource) {
      return services_.accounts.Check(caller, "trainyard.keys.list", resource).ok();
    };
    if (allowed("")) return true;
    return std::any_of(account.bindings().begin(), account.bindings().end(), [&](const auto& b) {
      return b.project() != "*" && allowed(ResourceOf(b.project()));
    });
  }

  const Services services_;
  const std::shared_ptr<AccountChanges> changes_;
};

}  // namespace

void RegisterKeys(edge::MethodTable& methods, const Services& services) {
  auto keys = std::make_shared<KeysService>(services);
  methods.Register<admin::CreateKeyRequest>(
      absl::StrCat(kService, "CreateKey"), "", "", true,
      [keys](const edge::Call& call, const admin::CreateKeyRequest& request,
             edge::Responder respond) { keys->Create(call, request, std::move(respond)); });
  methods.Register<admin::ListKeysRequest>(
      absl::StrCat(kService, "ListKeys"), "", "", false,
      [keys](const edge::Call& call, const admin::ListKeysRequest&, edge::Responder respond) {
        Send(respond, keys->List(call));
      });
  methods.Register<admin::RevokeKeyRequest>(
      absl::StrCat(kService, "RevokeKey"), "", "", true,
      [keys](const edge::Call& call, const admin::RevokeKeyRequest& request,
             edge::Responder respond) { keys->Revoke(call, request, std::move(respond)); });
}

}  // namespace trainyard::api
