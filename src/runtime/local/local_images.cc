#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "runtime/local/catalog.h"
#include "runtime/local/images.h"
#include "runtime/local/layer_cache.h"

extern "C" {
extern const char trainyard_lock_uv_begin[], trainyard_lock_uv_end[];
extern const char trainyard_execute_package_begin[], trainyard_execute_package_end[];
}

namespace trainyard::runtime {
namespace {

// What every base holds beside Debian's essential packages. A changed list is a new base.
constexpr absl::string_view kBasePackages =
    "ca-certificates,libgomp1,python3,python3-pip,python3-venv";
constexpr absl::string_view kSuite = "bookworm";
constexpr absl::string_view kBaseVersion = "1";  // counts changes of how a base is made
constexpr absl::string_view kSitePackages = "/usr/local/lib/python3.11/dist-packages";
constexpr absl::string_view kExecutor = "/opt/trainyard/execute-package";
constexpr absl::Duration kInstallTimeout = absl::Minutes(20);

absl::string_view UvLock() {
  return {trainyard_lock_uv_begin,
          static_cast<size_t>(trainyard_lock_uv_end - trainyard_lock_uv_begin)};
}

absl::string_view ExecutorScript() {
  return {trainyard_execute_package_begin,
          static_cast<size_t>(trainyard_execute_package_end - trainyard_execute_package_begin)};
}

// The last lines of what a program said, for an error message.
std::string Tail(const std::string& text) {
  std::vector<absl::string_view> lines = absl::StrSplit(absl::StripAsciiWhitespace(text), '\n');
  size_t first = lines.size() > 5 ? lines.size() - 5 : 0;
  return absl::StrJoin(lines.begin() + static_cast<std::ptrdiff_t>(first), lines.end(), "\n");
}

class LocalImages : public Images {
 public:
  LocalImages(base::Disk& disk, base::Processes& processes, ImageOptions options)
      : disk_(disk),
        processes_(processes),
        options_(std::move(options)),
        cache_(disk, options_.cache_directory) {}

  absl::StatusOr<PreparedImage> Prepare(
      const std::string& image_uri,
      const std::function<void(const std::string&)>& progress) override;
  absl::StatusOr<PreparedImage> FindPrepared(const std::string& image_uri) override;
  absl::Status Check(const std::string& image_uri) override { return CheckImageName(image_uri); }
  std::vector<std::string> PackageCommand(
      const google::cloud::aiplatform::v1::PythonPackageSpec& spec) override;

 private:
  // The keys of an image's layers, topmost first.
  struct Keys {
    std::string site, executor, environment, base, uv;
  };
  Keys KeysOf(const Environment& environment) const;
  PreparedImage Assemble(std::vector<std::string> layers) const;
  absl::Status MakeBase(const std::string& directory);
  absl::Status MakeUv(const std::string& directory);
  absl::Status MakeEnvironment(const Environment& environment, const std::string& uv,
                               const std::string& directory);
  absl::Status MakeExecutor(const std::string& uv, const std::string& directory);
  absl::Status MakeSite(const std::string& directory);
  // Runs a program of the installation; a failure is UNAVAILABLE with its last lines.
  absl::Status Install(std::vector<std::string> argv, absl::string_view what);

  base::Disk& disk_;
  base::Processes& processes_;
  const ImageOptions options_;
  LayerCache cache_;
};

LocalImages::Keys LocalImages::KeysOf(const Environment& environment) const {
  std::string owner = absl::StrCat(options_.uid_base);
  std::string base =
      absl::StrJoin({kSuite, kBasePackages, kBaseVersion, absl::string_view(owner)}, "\n");
  std::string site =
      absl::StrCat(options_.ca_bundle, "\n", absl::StrJoin(options_.job_environment, "\n"));
  return Keys{
      .site = LayerKey("site", absl::StrCat(site, owner)),
      .executor = LayerKey("executor", absl::StrCat(UvLock(), ExecutorScript(), owner)),
      .environment = LayerKey(environment.name, absl::StrCat(environment.lock, base)),
      .base = LayerKey("base", base),
      .uv = LayerKey("uv", UvLock()),
  };
}

absl::StatusOr<PreparedImage> LocalImages::FindPrepared(const std::string& image_uri) {
  ASSIGN_OR_RETURN(Environment environment, FindEnvironment(image_uri));
  Keys keys = KeysOf(environment);
  std::vector<std::string> layers;
  for (const std::string& key : {keys.site, keys.executor, keys.environment, keys.base}) {
    ASSIGN_OR_RETURN(std::string layer, cache_.Find(key));
    layers.push_back(std::move(layer));
  }
  return Assemble(std::move(layers));
}

absl::StatusOr<PreparedImage> LocalImages::Prepare(
    const std::string& image_uri, const std::function<void(const std::string&)>& progress) {
  ASSIGN_OR_RETURN(Environment environment, FindEnvironment(image_uri));
  Keys keys = KeysOf(environment);
  ASSIGN_OR_RETURN(std::string uv, cache_.Ensure(keys.uv, [&](const std::string& directory) {
    progress("Installing the package installer.");
    return MakeUv(directory);
  }));
  ASSIGN_OR_RETURN(std::string base, cache_.Ensure(keys.base, [&](const std::string& directory) {
    progress("Building the base file system; this happens once on a machine.");
    return MakeBase(directory);
  }));
  ASSIGN_OR_RETURN(std::string packages,
                   cache_.Ensure(keys.environment, [&](const std::string& directory) {
                     progress(absl::StrCat("Installing the environment ", environment.name, "."));
                     return MakeEnvironment(environment, uv, directory);
                   }));
  ASSIGN_OR_RETURN(std::string executor,
                   cache_.Ensure(keys.executor, [&](const std::string& directory) {
                     return MakeExecutor(uv, directory);
                   }));
  ASSIGN_OR_RETURN(std::string site, cache_.Ensure(keys.site, [&](const std::string& directory) {
    return MakeSite(directory);
  }));
  return Assemble({site, executor, packages, base});
}

PreparedImage LocalImages::Assemble(std::vector<std::string> layers) const {
  PreparedImage image;
  image.layers = std::move(layers);
  image.command = {"python3"};
  image.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       "HOME=/root",
                       "LANG=C.UTF-8",
                       "PYTHONUNBUFFERED=1",
                       "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
                       "REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt"};
  image.environment.insert(image.environment.end(), options_.job_environment.begin(),
                           options_.job_environment.end());
  image.working_directory = "/";
  return image;
}

absl::Status LocalImages::Install(std::vector<std::string> argv, absl::string_view what) {
  base::Command command;
  command.argv = std::move(argv);
  command.environment = options_.index_environment;
  command.environment.push_back(
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  command.environment.push_back("HOME=/root");
  command.timeout = kInstallTimeout;
  ASSIGN_OR_RETURN(base::CommandResult result, processes_.Run(command));
  if (result.timed_out)
    return absl::UnavailableError(absl::StrCat(what, " took longer than 20 minutes."));
  if (result.exit_code == 0) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(what, " failed (exit status ", result.exit_code, "): ", Tail(result.error)));
}

absl::Status LocalImages::MakeBase(const std::string& directory) {
  std::string tar = absl::StrCat(directory, ".tar");
  std::vector<std::string> argv = {"mmdebstrap",        "--quiet",
                                   "--variant=minbase", absl::StrCat("--include=", kBasePackages),
                                   std::string(kSuite), tar};
  if (!options_.mirror.empty()) argv.push_back(options_.mirror);
  absl::Status made = Install(std::move(argv), "Building the base file system with mmdebstrap");
  if (made.ok()) made = UnpackShifted(tar, directory, options_.uid_base);
  disk_.Remove(tar).IgnoreError();
  RETURN_IF_ERROR(made);
  // A job owns its root file system: pip may write there. `python` is what people type.
  RETURN_IF_ERROR(disk_.Remove(absl::StrCat(directory, "/usr/lib/python3.11/EXTERNALLY-MANAGED")));
  return Install({"ln", "-s", "python3", absl::StrCat(directory, "/usr/bin/python")},
                 "Linking python");
}

absl::Status LocalImages::MakeUv(const std::string& directory) {
  std::string lock = absl::StrCat(directory, "/uv.lock");
  RETURN_IF_ERROR(disk_.WriteAtomically(lock, UvLock(), 0644));
  RETURN_IF_ERROR(Install({"/usr/bin/python3", "-m", "venv", absl::StrCat(directory, "/venv")},
                          "Making a virtual environment (package python3-venv)"));
  return Install({absl::StrCat(directory, "/venv/bin/python"), "-m", "pip", "install", "--quiet",
                  "--disable-pip-version-check", "--require-hashes", "--requirement", lock},
                 "Installing uv from the package index");
}

absl::Status LocalImages::MakeEnvironment(const Environment& environment, const std::string& uv,
                                          const std::string& directory) {
  std::string lock = absl::StrCat(directory, "/opt/trainyard/environment.lock");
  RETURN_IF_ERROR(disk_.MakeDirectories(absl::StrCat(directory, "/opt/trainyard"), 0755));
  RETURN_IF_ERROR(disk_.WriteAtomically(lock, environment.lock, 0644));
  RETURN_IF_ERROR(
      Install({absl::StrCat(uv, "/venv/bin/uv"), "pip", "install", "--quiet", "--no-progress",
               "--python", "/usr/bin/python3", "--target", absl::StrCat(directory, kSitePackages),
               "--require-hashes", "--link-mode=copy", "--compile-bytecode", "--cache-dir",
               absl::StrCat(options_.cache_directory, "/uv"), "--requirement", lock},
              absl::StrCat("Installing the environment ", environment.name)));
  return ShiftOwners(directory, options_.uid_base);
}

absl::Status LocalImages::MakeExecutor(const std::string& uv, const std::string& directory) {
  std::string target = absl::StrCat(directory, "/opt/trainyard");
  RETURN_IF_ERROR(disk_.MakeDirectories(target, 0755));
  RETURN_IF_ERROR(
      disk_.WriteAtomically(absl::StrCat(directory, kExecutor), ExecutorScript(), 0755));
  RETURN_IF_ERROR(Install({"cp", "--dereference", absl::StrCat(uv, "/venv/bin/uv"), target + "/uv"},
                          "Copying uv"));
  return ShiftOwners(directory, options_.uid_base);
}

absl::Status LocalImages::MakeSite(const std::string& directory) {
  if (!options_.ca_bundle.empty()) {
    RETURN_IF_ERROR(disk_.MakeDirectories(absl::StrCat(directory, "/etc/ssl/certs"), 0755));
    RETURN_IF_ERROR(disk_.WriteAtomically(
        absl::StrCat(directory, "/etc/ssl/certs/ca-certificates.crt"), options_.ca_bundle, 0644));
  }
  return ShiftOwners(directory, options_.uid_base);
}

std::vector<std::string> LocalImages::PackageCommand(
    const google::cloud::aiplatform::v1::PythonPackageSpec& spec) {
  std::vector<std::string> argv = {std::string(kExecutor), spec.python_module(),
                                   absl::StrCat(spec.package_uris_size())};
  for (const std::string& uri : spec.package_uris()) {
    absl::string_view path = uri;
    argv.push_back(absl::ConsumePrefix(&path, "gs://") ? absl::StrCat("/gcs/", path) : uri);
  }
  argv.insert(argv.end(), spec.args().begin(), spec.args().end());
  return argv;
}

}  // namespace

std::unique_ptr<Images> CreateLocalImages(base::Disk& disk, base::Processes& processes,
                                          ImageOptions options) {
  return std::make_unique<LocalImages>(disk, processes, std::move(options));
}

}  // namespace trainyard::runtime
