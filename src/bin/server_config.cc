#include "bin/server_config.h"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "cli/cli.h"
#include "model/names.h"

namespace trainyard::bin {
namespace {

std::string HomeDirectory(absl::string_view below) {
  const char* home = std::getenv("HOME");
  return absl::StrCat(home == nullptr ? "/tmp" : home, below);
}

absl::Status Bad(absl::string_view key, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("configuration: ", key, ": ", what));
}

std::vector<std::string> Strings(const YAML::Node& node) {
  return node.IsSequence() ? node.as<std::vector<std::string>>()
                           : std::vector<std::string>{node.as<std::string>()};
}

absl::StatusOr<model::MachineType> ReadMachineType(const YAML::Node& node) {
  model::MachineType type;
  type.site = true;
  for (const auto& item : node) {
    std::string key = item.first.as<std::string>(), value = item.second.as<std::string>();
    if (key == "name") {
      type.name = value;
    } else if (key == "cpus") {
      ASSIGN_OR_RETURN(type.cpu_milli, ParseCpuMilli(value));
    } else if (key == "memory") {
      ASSIGN_OR_RETURN(type.memory_bytes, ParseBytes(value));
    } else {
      return Bad("machine_types",
                 absl::StrCat("unknown key \"", key, "\"; known: name, cpus, memory"));
    }
  }
  if (type.name.empty() || type.cpu_milli <= 0 || type.memory_bytes <= 0) {
    return Bad("machine_types", "each entry needs name, cpus and memory");
  }
  return type;
}

using Setter = std::function<absl::Status(const YAML::Node&, ServerConfig&)>;

template <typename T>
Setter Into(T ServerConfig::*member) {
  return [member](const YAML::Node& node, ServerConfig& config) {
    config.*member = node.as<T>();
    return absl::OkStatus();
  };
}

Setter IntoList(std::vector<std::string> ServerConfig::*member) {
  return [member](const YAML::Node& node, ServerConfig& config) {
    config.*member = Strings(node);
    return absl::OkStatus();
  };
}

Setter IntoBytes(uint64_t ServerConfig::*member) {
  return [member](const YAML::Node& node, ServerConfig& config) -> absl::Status {
    ASSIGN_OR_RETURN(int64_t bytes, ParseBytes(node.as<std::string>()));
    config.*member = static_cast<uint64_t>(bytes);
    return absl::OkStatus();
  };
}

absl::Status ReadMachineTypes(const YAML::Node& node, ServerConfig& config) {
  for (const YAML::Node& entry : node) {
    ASSIGN_OR_RETURN(model::MachineType type, ReadMachineType(entry));
    config.machine_types.push_back(std::move(type));
  }
  return absl::OkStatus();
}

std::map<std::string, Setter> Setters() {
  return {
      {"data_directory", Into(&ServerConfig::data_directory)},
      {"cache_directory", Into(&ServerConfig::cache_directory)},
      {"listen", Into(&ServerConfig::listen)},
      {"names", IntoList(&ServerConfig::names)},
      {"certificate", Into(&ServerConfig::certificate)},
      {"private_key", Into(&ServerConfig::private_key)},
      {"placement", Into(&ServerConfig::placement)},
      {"projects", IntoList(&ServerConfig::projects)},
      {"locations", IntoList(&ServerConfig::locations)},
      {"default_project", Into(&ServerConfig::default_project)},
      {"default_location", Into(&ServerConfig::default_location)},
      {"egress", Into(&ServerConfig::egress)},
      {"egress_allow", IntoList(&ServerConfig::egress_allow)},
      {"debian_mirror", Into(&ServerConfig::debian_mirror)},
      {"job_environment", IntoList(&ServerConfig::job_environment)},
      {"ca_bundle", Into(&ServerConfig::ca_bundle)},
      {"machine_types", ReadMachineTypes},
      {"cpus", Into(&ServerConfig::cpus)},
      {"memory", IntoBytes(&ServerConfig::memory_bytes)},
      {"log_size_max", IntoBytes(&ServerConfig::log_bytes_max)},
      {"uid_base", Into(&ServerConfig::uid_base)},
  };
}

absl::Status ApplyNode(const YAML::Node& root, ServerConfig& config) {
  if (root.IsNull()) return absl::OkStatus();
  if (!root.IsMap()) return Bad("file", "expected `key: value` lines");
  const std::map<std::string, Setter> setters = Setters();
  for (const auto& item : root) {
    std::string key = item.first.as<std::string>();
    auto setter = setters.find(key);
    if (setter == setters.end()) {
      std::vector<std::string> known;
      for (const auto& [name, unused] : setters) known.push_back(name);
      return Bad(absl::StrCat("line ", item.first.Mark().line + 1),
                 absl::StrCat("unknown key \"", key, "\"; known: ", absl::StrJoin(known, ", ")));
    }
    RETURN_IF_ERROR(setter->second(item.second, config));
  }
  return absl::OkStatus();
}

}  // namespace

std::string DefaultCacheDirectory() {
  return geteuid() == 0 ? "/var/cache/trainyard" : HomeDirectory("/.cache/trainyard");
}

void FillDefaultPaths(ServerConfig& config) {
  if (config.data_directory.empty()) config.data_directory = cli::DefaultDataDirectory();
  if (config.cache_directory.empty()) config.cache_directory = DefaultCacheDirectory();
}

absl::Status LoadConfigFile(const std::string& path, ServerConfig& config) {
  if (path.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(std::string text, cli::ReadLocalFile(path));
  return base::Annotate(ApplyYaml(text, config), path);
}

absl::Status ApplyYaml(absl::string_view text, ServerConfig& config) {
  try {  // yaml-cpp reports by exceptions
    return ApplyNode(YAML::Load(std::string(text)), config);
  } catch (const YAML::Exception& error) {
    return Bad(absl::StrCat("line ", error.mark.line + 1), error.msg);
  }
}

absl::Status CheckConfig(const ServerConfig& config) {
  if (config.placement != "share" && config.placement != "strict") {
    return Bad("placement", absl::StrCat("\"", config.placement, "\"; may be share or strict"));
  }
  if (config.egress != "internet" && config.egress != "none") {
    return Bad("egress", absl::StrCat("\"", config.egress, "\"; may be internet or none"));
  }
  if (config.certificate.empty() != config.private_key.empty()) {
    return Bad("certificate", "certificate and private_key go together");
  }
  if (config.data_directory.empty() || config.data_directory[0] != '/') {
    return Bad("data_directory", "an absolute path is needed");
  }
  if (!absl::StrContains(config.listen, ':')) {
    return Bad("listen",
               absl::StrCat("\"", config.listen, "\"; expected HOST:PORT, as 127.0.0.1:8443"));
  }
  for (const std::string& location : config.locations) {
    const std::vector<std::string>& regions = model::Regions();
    if (std::find(regions.begin(), regions.end(), location) == regions.end()) {
      return Bad("locations",
                 absl::StrCat("\"", location,
                              "\" is none of Google's region names, which their clients "
                              "insist on: ",
                              absl::StrJoin(regions, ", ")));
    }
  }
  for (const std::string& variable : config.job_environment) {
    if (!absl::StrContains(variable, '=')) return Bad("job_environment", "expected NAME=value");
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ParseCpuMilli(absl::string_view text) {
  double cpus = 0;
  if (!absl::SimpleAtod(text, &cpus) || !(cpus > 0) || cpus > 100'000) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no number of cpus"));
  }
  return static_cast<int64_t>(std::llround(cpus * 1000));
}

absl::StatusOr<int64_t> ParseBytes(absl::string_view text) {
  struct Unit {
    absl::string_view suffix;
    double factor;
  };
  static constexpr Unit kUnits[] = {{"TiB", 1099511627776.0},
                                    {"GiB", 1073741824.0},
                                    {"MiB", 1048576.0},
                                    {"KiB", 1024.0},
                                    {"TB", 1e12},
                                    {"GB", 1e9},
                                    {"MB", 1e6},
                                    {"KB", 1e3},
                                    {"T", 1099511627776.0},
                                    {"G", 1073741824.0},
                                    {"M", 1048576.0},
                                    {"K", 1024.0},
                                    {"B", 1.0}};
  double factor = 1;
  absl::string_view number = text;
  for (const Unit& unit : kUnits) {
    if (absl::ConsumeSuffix(&number, unit.suffix)) {
      factor = unit.factor;
      break;
    }
  }
  double value = 0;
  if (!absl::SimpleAtod(number, &value) || !(value >= 0) || value * factor > 9e18) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is no size; write it as 16GiB or 512MiB"));
  }
  return static_cast<int64_t>(value * factor);
}

}  // namespace trainyard::bin
