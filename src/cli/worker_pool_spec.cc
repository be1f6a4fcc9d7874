#include "cli/worker_pool_spec.h"

#include <yaml-cpp/yaml.h>

#include <functional>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "google/protobuf/util/json_util.h"

namespace trainyard::cli {
namespace {

namespace v1 = google::cloud::aiplatform::v1;
using Setter = std::function<absl::Status(const std::string&, v1::WorkerPoolSpec&)>;

absl::StatusOr<int64_t> ParseCount(const std::string& key, const std::string& value) {
  int64_t count = 0;
  if (absl::SimpleAtoi(value, &count) && count >= 0) return count;
  return absl::InvalidArgumentError(absl::StrCat(key, "=", value, ": expected a number"));
}

absl::Status SetAccelerator(const std::string& value, v1::WorkerPoolSpec& pool) {
  // gcloud's users write nvidia-tesla-t4, the API NVIDIA_TESLA_T4.
  std::string name = absl::AsciiStrToUpper(absl::StrReplaceAll(value, {{"-", "_"}}));
  v1::AcceleratorType type;
  if (!v1::AcceleratorType_Parse(name, &type)) {
    return absl::InvalidArgumentError(
        absl::StrCat("accelerator-type=", value, ": no such accelerator"));
  }
  pool.mutable_machine_spec()->set_accelerator_type(type);
  if (pool.machine_spec().accelerator_count() == 0)
    pool.mutable_machine_spec()->set_accelerator_count(1);
  return absl::OkStatus();
}

const std::map<std::string, Setter>& Setters() {
  static const auto& setters = *new std::map<std::string, Setter>{
      {"replica-count",
       [](const std::string& value, v1::WorkerPoolSpec& pool) -> absl::Status {
         ASSIGN_OR_RETURN(int64_t count, ParseCount("replica-count", value));
         pool.set_replica_count(count);
         return absl::OkStatus();
       }},
      {"machine-type",
       [](const std::string& value, v1::WorkerPoolSpec& pool) {
         pool.mutable_machine_spec()->set_machine_type(value);
         return absl::OkStatus();
       }},
      {"accelerator-type", SetAccelerator},
      {"accelerator-count",
       [](const std::string& value, v1::WorkerPoolSpec& pool) -> absl::Status {
         ASSIGN_OR_RETURN(int64_t count, ParseCount("accelerator-count", value));
         pool.mutable_machine_spec()->set_accelerator_count(static_cast<int32_t>(count));
         return absl::OkStatus();
       }},
      {"container-image-uri",
       [](const std::string& value, v1::WorkerPoolSpec& pool) {
         pool.mutable_container_spec()->set_image_uri(value);
         return absl::OkStatus();
       }},
      {"executor-image-uri",
       [](const std::string& value, v1::WorkerPoolSpec& pool) {
         pool.mutable_python_package_spec()->set_executor_image_uri(value);
         return absl::OkStatus();
       }},
      {"python-module",
       [](const std::string& value, v1::WorkerPoolSpec& pool) {
         pool.mutable_python_package_spec()->set_python_module(value);
         return absl::OkStatus();
       }},
      {"disk-type",
       [](const std::string& value, v1::WorkerPoolSpec& pool) {
         pool.mutable_disk_spec()->set_boot_disk_type(value);
         return absl::OkStatus();
       }},
      {"disk-size",
       [](const std::string& value, v1::WorkerPoolSpec& pool) -> absl::Status {
         ASSIGN_OR_RETURN(int64_t size, ParseCount("disk-size", value));
         pool.mutable_disk_spec()->set_boot_disk_size_gb(static_cast<int32_t>(size));
         return absl::OkStatus();
       }},
  };
  return setters;
}

// A YAML scalar as a JSON value: protobuf's parser takes numbers and booleans as text where the
// field wants them.
std::string Quote(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppend(&out, "\\u", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad4));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string ToJson(const YAML::Node& node) {
  if (node.IsNull()) return "null";
  if (node.IsSequence()) {
    std::vector<std::string> items;
    for (const YAML::Node& item : node) items.push_back(ToJson(item));
    return absl::StrCat("[", absl::StrJoin(items, ","), "]");
  }
  if (node.IsMap()) {
    std::vector<std::string> items;
    for (const auto& item : node) {
      items.push_back(absl::StrCat(Quote(item.first.as<std::string>()), ":", ToJson(item.second)));
    }
    return absl::StrCat("{", absl::StrJoin(items, ","), "}");
  }
  std::string text = node.as<std::string>();
  bool plain = node.Tag() == "?";  // unquoted
  if (plain && (text == "true" || text == "false")) return text;
  return Quote(text);
}

// A string that YAML would take for a number, a boolean or nothing keeps its quotes.
bool NeedsQuotes(const std::string& text) {
  double number;
  return text.empty() || text == "true" || text == "false" || text == "null" || text == "~" ||
         absl::SimpleAtod(text, &number);
}

void EmitBlock(const YAML::Node& node, YAML::Emitter& out) {
  if (node.IsMap() && node.size() > 0) {
    out << YAML::BeginMap;
    for (const auto& item : node) {
      out << YAML::Key << item.first.as<std::string>() << YAML::Value;
      EmitBlock(item.second, out);
    }
    out << YAML::EndMap;
  } else if (node.IsSequence() && node.size() > 0) {
    out << YAML::BeginSeq;
    for (const YAML::Node& item : node) EmitBlock(item, out);
    out << YAML::EndSeq;
  } else if (node.IsScalar() && node.Tag() == "!" && NeedsQuotes(node.Scalar())) {
    out << YAML::DoubleQuoted << node.Scalar();
  } else if (node.IsScalar() && node.Scalar().find('\n') != std::string::npos) {
    out << YAML::Literal << node.Scalar();
  } else {
    out << node;
  }
}

}  // namespace

absl::StatusOr<v1::WorkerPoolSpec> ParseWorkerPoolSpec(absl::string_view text) {
  v1::WorkerPoolSpec pool;
  if (absl::StripAsciiWhitespace(text).empty()) return pool;
  ASSIGN_OR_RETURN(auto pairs, ParsePairs(text));
  pool.set_replica_count(1);
  for (const auto& [key, value] : pairs) {
    auto setter = Setters().find(key);
    if (setter == Setters().end()) {
      std::vector<std::string> known;
      for (const auto& [name, unused] : Setters()) known.push_back(name);
      return absl::InvalidArgumentError(absl::StrCat("--worker-pool-spec: unknown key \"", key,
                                                     "\"; known: ", absl::StrJoin(known, ", ")));
    }
    RETURN_IF_ERROR(setter->second(value, pool));
  }
  return pool;
}

absl::StatusOr<v1::CustomJobSpec> ParseJobSpecFile(const std::string& text) {
  std::string json;
  try {  // yaml-cpp reports by exceptions
    json = ToJson(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("line ", error.mark.line + 1, ": ", error.msg));
  }
  v1::CustomJobSpec spec;
  auto status = google::protobuf::util::JsonStringToMessage(json, &spec);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a CustomJobSpec (workerPoolSpecs, scheduling, ...): ",
                     std::string(status.message().data(), status.message().size())));
  }
  return spec;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParsePairs(
    absl::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (absl::string_view part : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    if (part.find('=') == absl::string_view::npos) {
      return absl::InvalidArgumentError(absl::StrCat("\"", part, "\": expected key=value"));
    }
    pairs.emplace_back(absl::StripAsciiWhitespace(pair.first), pair.second);
  }
  return pairs;
}

std::string JsonToYaml(const std::string& json) {
  YAML::Emitter out;
  EmitBlock(YAML::Load(json), out);
  return absl::StrCat(out.c_str(), "\n");
}

}  // namespace trainyard::cli
