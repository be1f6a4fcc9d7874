#include "cli/environment.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "cli/google_hosts.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace trainyard::cli {
namespace {

// Each client has a variable of its own for the same bundle.
constexpr const char* kBundleVariables[] = {"CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
                                            "CURL_CA_BUNDLE",
                                            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
                                            "HTTPLIB2_CA_CERTS",
                                            "NODE_EXTRA_CA_CERTS",
                                            "REQUESTS_CA_BUNDLE",
                                            "SSL_CERT_FILE"};

constexpr const char* kProxyVariables[] = {"NO_PROXY", "no_proxy"};

// What tells a client of another endpoint or of another credential.
// STORAGE_EMULATOR_HOST makes a storage client send no credential.
constexpr const char* kMisleading[] = {
    "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", "CLOUDSDK_AUTH_DISABLE_CREDENTIALS",
    "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", "STORAGE_EMULATOR_HOST"};
constexpr const char* kEndpointVariables[] = {
    "API_ENDPOINT_OVERRIDE",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE",
    "CLOUDSDK_AUTH_TOKEN_HOST"};
constexpr const char* kProjectVariables[] = {"CLOUD_ML_PROJECT_ID", "GOOGLE_CLOUD_PROJECT"};

std::vector<std::string> SplitHosts(const std::string& list) {
  std::vector<std::string> hosts;
  for (const absl::string_view host : absl::StrSplit(list, ',', absl::SkipEmpty())) {
    hosts.emplace_back(absl::StripAsciiWhitespace(host));
  }
  return hosts;
}

std::string ValueOf(const Variables& variables, const std::string& name) {
  const auto found = variables.find(name);
  return found == variables.end() ? "" : found->second;
}

// What the shell has, then ours. "*" says it all already.
std::string MergedHosts(const std::string& current, const std::vector<std::string>& ours) {
  std::vector<std::string> hosts = SplitHosts(current);
  if (std::find(hosts.begin(), hosts.end(), "*") != hosts.end()) return current;
  for (const std::string& host : ours) {
    if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
  }
  return absl::StrJoin(hosts, ",");
}

std::vector<std::string> DirectHosts(const Target& target) {
  std::vector<std::string> hosts = {"localhost", "127.0.0.1", "::1"};
  const std::string host = SplitEndpoint(target.endpoint).host;
  if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
  return hosts;
}

void SetProxyExceptions(const std::vector<std::string>& hosts, const Variables& current,
                        Variables& set) {
  // Some clients read only one of the two: both get both.
  std::string merged;
  for (const char* name : kProxyVariables) {
    merged = MergedHosts(merged, SplitHosts(ValueOf(current, name)));
  }
  merged = MergedHosts(merged, hosts);
  for (const char* name : kProxyVariables) set[name] = merged;
}

void SetCommon(const Target& target, Variables& set) {
  set["TRAINYARD_ENDPOINT"] = target.endpoint;
  set["TRAINYARD_PROJECT"] = target.project;
  set["TRAINYARD_LOCATION"] = target.location;
  set["TRAINYARD_DATA"] = target.data_directory;
  set["TRAINYARD_CA"] = target.ca_file;
  set["TRAINYARD_CA_BUNDLE"] = target.ca_bundle;
  for (const char* name : kBundleVariables) set[name] = target.ca_bundle;
  set["GOOGLE_APPLICATION_CREDENTIALS"] = target.credentials;
  set["CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE"] = target.credentials;
  set["CLOUDSDK_CORE_PROJECT"] = target.project;
  set["CLOUDSDK_AI_REGION"] = target.location;
  for (auto entry = set.begin(); entry != set.end();) {
    entry = entry->second.empty() ? set.erase(entry) : std::next(entry);
  }
}

template <size_t kSize>
void Unset(const char* const (&names)[kSize], const Variables& current,
           std::vector<std::string>& unset) {
  for (const char* name : names) {
    if (current.count(name) != 0) unset.push_back(name);
  }
}

// "export A='b'" with what it is for.
class ExportWriter {
 public:
  explicit ExportWriter(const Variables& variables) : left_(variables) {}
  void Comment(absl::string_view text) { absl::StrAppend(&text_, "# ", text, "\n"); }
  void Export(absl::string_view prefix) {
    for (auto entry = left_.begin(); entry != left_.end();) {
      if (!absl::StartsWith(entry->first, prefix)) {
        ++entry;
        continue;
      }
      absl::StrAppend(&text_, "export ", entry->first, "=", ShellQuoted(entry->second), "\n");
      entry = left_.erase(entry);
    }
  }
  std::string Finish() {
    CHECK(left_.empty());
    return std::move(text_);
  }
  std::string& text() { return text_; }

 private:
  Variables left_;
  std::string text_;
};

}  // namespace

ClientEnvironment EnvironmentOf(const Target& target, const Variables& current) {
  ClientEnvironment environment;
  Variables& set = environment.set;
  SetCommon(target, set);
  SetProxyExceptions(DirectHosts(target), current, set);
  const std::string url = absl::StrCat("https://", target.endpoint);
  set["API_ENDPOINT_OVERRIDE"] = url;
  set["CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM"] = url + "/";
  set["CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER"] = url + "/";
  set["CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING"] = url + "/";
  set["CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE"] = url + "/storage/v1/";
  set["CLOUDSDK_AUTH_TOKEN_HOST"] = url + "/token";
  Unset(kMisleading, current, environment.unset);
  Unset(kProjectVariables, current, environment.unset);
  return environment;
}

ClientEnvironment ExecEnvironmentOf(const Target& target, const Variables& current) {
  ClientEnvironment environment;
  SetCommon(target, environment.set);
  std::vector<std::string> direct = DirectHosts(target);
  const std::vector<std::string> google = RedirectedHosts();
  direct.insert(direct.end(), google.begin(), google.end());
  SetProxyExceptions(direct, current, environment.set);
  if (current.count("GOOGLE_CLOUD_PROJECT") == 0 && !target.project.empty()) {
    environment.set["GOOGLE_CLOUD_PROJECT"] = target.project;
  }
  environment.set["TRAINYARD_EXEC"] = target.endpoint;
  Unset(kMisleading, current, environment.unset);
  Unset(kEndpointVariables, current, environment.unset);
  return environment;
}

std::vector<std::string> Applied(const ClientEnvironment& environment, const Variables& current) {
  Variables all = current;
  for (const std::string& name : environment.unset) all.erase(name);
  for (const auto& [name, value] : environment.set) all[name] = value;
  std::vector<std::string> entries;
  for (const auto& [name, value] : all) entries.push_back(absl::StrCat(name, "=", value));
  return entries;
}

std::string RenderExports(const Target& target, const ClientEnvironment& environment) {
  const HostAndPort server = SplitEndpoint(target.endpoint);
  ExportWriter writer(environment.set);
  writer.Comment("Trainyard.  eval \"$(trainyard env)\"  takes this in; --unset takes it back.");
  writer.Export("TRAINYARD_");
  writer.Comment(
      "Google's libraries sign with this key. The Python SDK must be told of the server:");
  writer.Comment(absl::StrCat("  aiplatform.init(location=\"", target.location,
                              "\", api_endpoint=os.environ[\"TRAINYARD_ENDPOINT\"])"));
  writer.Comment(absl::StrCat("Node: new JobServiceClient({apiEndpoint: \"", server.host,
                              "\", port: ", server.port, "})"));
  writer.Export("GOOGLE_APPLICATION_CREDENTIALS");
  writer.Comment("The system's certificates and ours, for each client by its own name.");
  for (const char* name : kBundleVariables) writer.Export(name);
  for (const char* name : kProxyVariables) writer.Export(name);
  writer.Comment(
      "google-cloud-storage, and the SDK where it stages; with the key, as above. (With");
  writer.Comment(
      "STORAGE_EMULATOR_HOST it would send no credential, unless credentials= is passed.)");
  writer.Export("API_ENDPOINT_OVERRIDE");
  writer.Comment("gcloud exchanges the key for a token at this server.");
  writer.Comment("curl: -H \"Authorization: Bearer $(gcloud auth print-access-token)\"");
  writer.Export("CLOUDSDK_");
  if (!environment.unset.empty()) {
    writer.Comment(
        "These lead elsewhere (with a project, the SDK asks Google's Resource Manager):");
    absl::StrAppend(&writer.text(), "unset ", absl::StrJoin(environment.unset, " "), "\n");
  }
  return writer.Finish();
}

std::string RenderJson(const ClientEnvironment& environment) {
  google::protobuf::Struct object;
  for (const auto& [name, value] : environment.set) {
    (*object.mutable_fields())[name].set_string_value(value);
  }
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  CHECK(google::protobuf::util::MessageToJsonString(object, &json, options).ok());
  return json;
}

std::string RenderUnset(const Target& target, const Variables& current) {
  const ClientEnvironment environment = EnvironmentOf(target, {});
  const std::vector<std::string> ours = DirectHosts(target);
  std::vector<std::string> unset;
  std::string text;
  for (const auto& [name, value] : environment.set) {
    std::vector<std::string> hosts;
    if (absl::EqualsIgnoreCase(name, "no_proxy")) hosts = SplitHosts(ValueOf(current, name));
    hosts.erase(std::remove_if(hosts.begin(), hosts.end(),
                               [&](const std::string& host) {
                                 return std::find(ours.begin(), ours.end(), host) != ours.end();
                               }),
                hosts.end());
    if (hosts.empty()) {
      unset.push_back(name);
    } else {
      absl::StrAppend(&text, "export ", name, "=", ShellQuoted(absl::StrJoin(hosts, ",")), "\n");
    }
  }
  return absl::StrCat(text, "unset ", absl::StrJoin(unset, " "), "\n");
}

std::string ShellQuoted(absl::string_view text) {
  const auto is_plain = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::StrContains("_-./:,@%+=", absl::string_view(&c, 1));
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

HostAndPort SplitEndpoint(absl::string_view endpoint) {
  HostAndPort result;
  const size_t colon = endpoint.rfind(':');
  const bool bracketed = absl::ConsumePrefix(&endpoint, "[");
  const size_t end = bracketed ? endpoint.find(']') : colon;
  result.host = std::string(endpoint.substr(0, end));
  absl::string_view rest = end == absl::string_view::npos ? "" : endpoint.substr(end);
  absl::ConsumePrefix(&rest, "]");
  if (absl::ConsumePrefix(&rest, ":") && !absl::SimpleAtoi(rest, &result.port)) result.port = 443;
  return result;
}

}  // namespace trainyard::cli
