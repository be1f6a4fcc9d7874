#include "bin/prepare.h"

#include <cstdio>

#include "absl/strings/match.h"
#include "base/status.h"
#include "cli/cli.h"

extern char** environ;

namespace trainyard::bin {
namespace {

// What the installers need of the environment: package indexes, proxies, certificates.
std::vector<std::string> InstallerEnvironment() {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string text = *entry;
    for (absl::string_view prefix :
         {"PIP_", "UV_", "SSL_CERT_", "HTTP_PROXY=", "HTTPS_PROXY=", "NO_PROXY=", "http_proxy=",
          "https_proxy=", "no_proxy=", "REQUESTS_CA_BUNDLE="}) {
      if (absl::StartsWith(text, prefix)) {
        variables.push_back(text);
        break;
      }
    }
  }
  return variables;
}

}  // namespace

std::unique_ptr<runtime::Images> ImagesOf(base::Disk& disk, base::Processes& processes,
                                          const ServerConfig& config) {
  runtime::ImageOptions options;
  options.cache_directory = config.cache_directory;
  options.uid_base = config.uid_base;
  options.mirror = config.debian_mirror;
  options.index_environment = InstallerEnvironment();
  options.job_environment = config.job_environment;
  if (absl::StatusOr<std::string> bundle = disk.Read(config.ca_bundle); bundle.ok()) {
    options.ca_bundle = *std::move(bundle);
  }
  return runtime::CreateLocalImages(disk, processes, std::move(options));
}

int Prepare(const std::string& config_file, const std::vector<std::string>& images) {
  ServerConfig config;
  if (absl::Status status = LoadConfigFile(config_file, config); !status.ok())
    return cli::Fail(status);
  FillDefaultPaths(config);
  base::RealDisk disk;
  base::RealProcesses processes;
  if (absl::Status made = disk.MakeDirectories(config.cache_directory, 0755); !made.ok())
    return cli::Fail(made);
  std::unique_ptr<runtime::Images> local = ImagesOf(disk, processes, config);
  for (const std::string& image : images) {
    absl::StatusOr<runtime::PreparedImage> prepared = local->Prepare(
        image, [](const std::string& step) { std::fprintf(stderr, "%s\n", step.c_str()); });
    if (!prepared.ok()) return cli::Fail(prepared.status());
    std::printf("%s is ready\n", image.c_str());
  }
  return cli::kExitOk;
}

}  // namespace trainyard::bin
