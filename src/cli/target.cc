#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cli/connection.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace trainyard::cli {
namespace {

struct Setting {
  std::string Target::*member;
  const char* variable;  // null: only from the file
  const char* key;
};

constexpr Setting kSettings[] = {
    {&Target::endpoint, "TRAINYARD_ENDPOINT", "endpoint"},
    {&Target::ca_file, "TRAINYARD_CA", "ca_file"},
    {&Target::credentials, "GOOGLE_APPLICATION_CREDENTIALS", "credentials"},
    {&Target::project, "TRAINYARD_PROJECT", "project"},
    {&Target::location, "TRAINYARD_LOCATION", "location"},
    {&Target::ca_bundle, "TRAINYARD_CA_BUNDLE", "ca_bundle"},
};

google::protobuf::Struct ReadClientFile(const std::string& path) {
  google::protobuf::Struct content;
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  google::protobuf::util::JsonStringToMessage(text.str(), &content)
      .ok();  // absent or broken: empty
  return content;
}

}  // namespace

std::string Target::Parent() const {
  return absl::StrCat("projects/", project, "/locations/", location);
}

std::string DefaultDataDirectory() {
  if (const char* directory = std::getenv("TRAINYARD_DATA")) return directory;
  if (geteuid() == 0) return "/var/lib/trainyard";
  const char* home = std::getenv("HOME");
  return absl::StrCat(home == nullptr ? "/tmp" : home, "/.local/share/trainyard");
}

absl::Status CompleteTarget(const std::map<std::string, std::string>& environment, Target& target) {
  if (target.data_directory.empty()) target.data_directory = DefaultDataDirectory();
  google::protobuf::Struct file = ReadClientFile(target.data_directory + "/client.json");
  for (const Setting& setting : kSettings) {
    std::string& value = target.*setting.member;
    if (!value.empty()) continue;
    auto variable = environment.find(setting.variable);
    if (variable != environment.end() && !variable->second.empty()) {
      value = variable->second;
    } else if (auto field = file.fields().find(setting.key); field != file.fields().end()) {
      value = field->second.string_value();
    }
  }
  if (target.endpoint.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no server is known: start one with `trainyard serve`, or name one with "
                     "--endpoint HOST:PORT (looked in ",
                     target.data_directory, "/client.json)"));
  }
  if (target.credentials.empty()) {
    return absl::NotFoundError(
        "no credential is known: pass --credentials KEY_FILE or set "
        "GOOGLE_APPLICATION_CREDENTIALS; `trainyard keys "
        "create` makes one");
  }
  return absl::OkStatus();
}

std::string ClientFileJson(const Target& target) {
  google::protobuf::Struct content;
  for (const Setting& setting : kSettings) {
    (*content.mutable_fields())[setting.key].set_string_value(target.*setting.member);
  }
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  google::protobuf::util::MessageToJsonString(content, &json, options).ok();
  return json;
}

}  // namespace trainyard::cli
