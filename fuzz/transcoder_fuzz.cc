// REST requests and serialized messages of any content.
//
// The first byte chooses: 'r', the rest is "VERB PATH?QUERY\nBODY"; 'w', the rest is the bytes of a
// message whose type the next byte chooses.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "base/log.h"
#include "edge/json_to_wire.h"
#include "edge/method_table.h"
#include "edge/rest_query.h"
#include "edge/transcoder.h"
#include "edge/version_bridge.h"
#include "edge/wire_to_json.h"

namespace {

using google::protobuf::Descriptor;
using trainyard::edge::EmbeddedDescriptorSet;
using trainyard::edge::JsonOptions;
using trainyard::edge::JsonToWire;
using trainyard::edge::MakeRoutes;
using trainyard::edge::MethodTable;
using trainyard::edge::ParseRestQuery;
using trainyard::edge::RestQuery;
using trainyard::edge::RewriteVersion;
using trainyard::edge::RouteMatch;
using trainyard::edge::RouteTable;
using trainyard::edge::TranscodeRequest;
using trainyard::edge::WireToJson;

struct World {
  std::unique_ptr<MethodTable> table = MethodTable::Create(EmbeddedDescriptorSet()).value();
  RouteTable routes = MakeRoutes(*table).value();
};

const World& TheWorld() {
  static const World world;
  return world;
}

// What was taken in prints as JSON, and that JSON means the same.
void CheckPrints(const std::string& wire, const Descriptor& type) {
  auto json = WireToJson(wire, type, JsonOptions());
  CHECK(json.ok());
  std::string again;
  absl::Status status = JsonToWire(*json, type, again);
  // The parts of a request may each be as deep as JSON may be.
  if (!status.ok() && absl::StrContains(status.message(), "too deep")) return;
  CHECK(status.ok());
  auto same = WireToJson(again, type, JsonOptions());
  CHECK(same.ok() && *same == *json);
}

void TryRequest(absl::string_view text) {
  std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('\n', 1));
  std::pair<absl::string_view, absl::string_view> line =
      absl::StrSplit(parts.first, absl::MaxSplits(' ', 1));
  std::pair<absl::string_view, absl::string_view> target =
      absl::StrSplit(line.second, absl::MaxSplits('?', 1));
  RouteMatch match = TheWorld().routes.Match(line.first, target.first);
  auto query = ParseRestQuery(target.second);
  if (match.binding == nullptr || !query.ok()) return;
  auto wire = TranscodeRequest(match, *query, "application/json", parts.second);
  if (!wire.ok()) {
    CHECK(wire.status().code() == absl::StatusCode::kInvalidArgument);
    return;
  }
  CheckPrints(*wire, *match.binding->method->descriptor->input_type());
}

void TryBytes(absl::string_view text) {
  const auto& methods = TheWorld().table->methods();
  const size_t index = static_cast<uint8_t>(text[0]) * methods.size() / 256;
  const Descriptor& type = *methods[index]->descriptor->output_type();
  text.remove_prefix(1);
  // Malformed bytes are refused, the rest prints or is too deep.
  (void)WireToJson(text, type, JsonOptions());
  auto beta = RewriteVersion(text, type, "v1", "v1beta1");
  if (!beta.ok()) return;
  auto back = RewriteVersion(*beta, type, "v1beta1", "v1");
  CHECK(back.ok());
  auto twice = RewriteVersion(*back, type, "v1", "v1beta1");
  CHECK(twice.ok() && *twice == *beta);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  absl::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.size() < 2) return 0;
  if (text[0] == 'r') TryRequest(text.substr(1));
  if (text[0] == 'w') TryBytes(text.substr(1));
  return 0;
}
