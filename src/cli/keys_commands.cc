#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "cli/session.h"
#include "trainyard/admin/v1/admin.pb.h"

namespace trainyard::cli {
namespace {

namespace admin = trainyard::admin::v1;
constexpr char kService[] = "trainyard.admin.v1.AdminService/";

struct Flags {
  std::string account, output, key_id;
  std::vector<std::string> roles;
};

// A private key is never written over a file, and nobody else may read it.
absl::Status WriteNewFile(const std::string& path, const std::string& content) {
  int fd = open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return base::ErrnoStatus(errno, path);
  bool written = write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  absl::Status status = written ? absl::OkStatus() : base::ErrnoStatus(errno, path);
  if (close(fd) != 0 && status.ok()) status = base::ErrnoStatus(errno, path);
  return status;
}

absl::StatusOr<int> Create(Session& session, const Flags& flags) {
  if (access(flags.output.c_str(), F_OK) == 0) {
    return absl::AlreadyExistsError(absl::StrCat(flags.output, " exists: choose another --output"));
  }
  ASSIGN_OR_RETURN(ApiClient * client, session.Client());
  admin::CreateKeyRequest request;
  request.set_account(flags.account);
  for (const std::string& text : flags.roles) {
    std::pair<std::string, std::string> pair = absl::StrSplit(text, absl::MaxSplits(':', 1));
    admin::Binding* binding = request.add_bindings();
    binding->set_role(pair.first);
    binding->set_project(pair.second.empty() ? session.target.project : pair.second);
  }
  admin::CreateKeyResponse response;
  RETURN_IF_ERROR(client->Call(absl::StrCat(kService, "CreateKey"), request, response));
  RETURN_IF_ERROR(WriteNewFile(flags.output, response.key_file()));
  std::printf("%s\n", response.key_id().c_str());
  std::fprintf(stderr, "key of %s in %s\nuse it:  export GOOGLE_APPLICATION_CREDENTIALS=%s\n",
               response.account().c_str(), flags.output.c_str(), flags.output.c_str());
  return kExitOk;
}

absl::StatusOr<int> List(Session& session) {
  ASSIGN_OR_RETURN(ApiClient * client, session.Client());
  admin::ListKeysResponse response;
  RETURN_IF_ERROR(
      client->Call(absl::StrCat(kService, "ListKeys"), admin::ListKeysRequest(), response));
  if (session.OutputFormat() != Format::kTable) {
    std::fputs(RenderMessage(response, session.OutputFormat()).c_str(), stdout);
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows = {{"KEY", "CREATED", "ROLES", "ACCOUNT"}};
  for (const auto& key : response.keys()) {
    std::vector<std::string> roles;
    for (const auto& binding : key.bindings())
      roles.push_back(absl::StrCat(binding.role(), ":", binding.project()));
    rows.push_back({key.key_id(), ShortTime(absl::FromUnixSeconds(key.create_time().seconds())),
                    absl::StrJoin(roles, ","), key.account()});
  }
  std::fputs(RenderTable(rows).c_str(), stdout);
  return kExitOk;
}

absl::StatusOr<int> Revoke(Session& session, const std::string& key_id) {
  ASSIGN_OR_RETURN(ApiClient * client, session.Client());
  admin::RevokeKeyRequest request;
  request.set_key_id(key_id);
  admin::RevokeKeyResponse response;
  RETURN_IF_ERROR(client->Call(absl::StrCat(kService, "RevokeKey"), request, response));
  return kExitOk;
}

}  // namespace

void AddKeysCommands(CLI::App& app, Session& session) {
  auto flags = std::make_shared<Flags>();
  CLI::App* keys = app.add_subcommand("keys", "Service-account keys: create, list, revoke");
  keys->require_subcommand(1);

  CLI::App* create = keys->add_subcommand("create",
                                          "Makes an account, or one more key of it:  trainyard "
                                          "keys create alice --role user:my-project");
  create->add_option("ACCOUNT", flags->account, "A short name, or an e-mail address")->required();
  create
      ->add_option("--role", flags->roles,
                   "admin, user or viewer, with :PROJECT (default: this project; *: all)")
      ->required();
  create->add_option("-o,--output", flags->output, "The key file; must not exist")->required();
  create->callback([&session, flags] {
    session.action = Act([&session, flags] { return Create(session, *flags); });
  });

  CLI::App* list = keys->add_subcommand("list", "All keys");
  list->callback([&session] { session.action = Act([&session] { return List(session); }); });

  CLI::App* revoke =
      keys->add_subcommand("revoke", "Ends a key, and the tokens made from it, at once");
  revoke->add_option("KEY", flags->key_id, "Id of the key")->required();
  revoke->callback([&session, flags] {
    session.action = Act([&session, flags] { return Revoke(session, flags->key_id); });
  });
}

}  // namespace trainyard::cli
