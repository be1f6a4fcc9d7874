#include "edge/http_binding.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "google/api/annotations.pb.h"

namespace trainyard::edge {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// No template of Google's has more; a longer path is no method's.
constexpr size_t kSegmentsMax = 64;

absl::Status BadTemplate(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("URL template ", text, ": ", why));
}

// Appends the segments of "projects/*/locations/*".
absl::Status AddSegments(absl::string_view text, PathTemplate& path) {
  for (absl::string_view segment : absl::StrSplit(text, '/')) {
    if (segment.empty() || segment.find_first_of("{}=") != absl::string_view::npos) {
      return BadTemplate(text, "bad segment");
    }
    if (!path.segments.empty() && path.segments.back() == "**") {
      return BadTemplate(text, "** is not the last segment");
    }
    path.segments.emplace_back(segment);
  }
  return absl::OkStatus();
}

absl::Status AddVariable(absl::string_view text, PathTemplate& path) {
  std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('=', 1));
  PathTemplate::Variable variable;
  variable.field_path = std::string(parts.first);
  variable.begin = path.segments.size();
  absl::string_view pattern = parts.second.empty() ? "*" : parts.second;
  RETURN_IF_ERROR(AddSegments(pattern, path));
  variable.end = path.segments.size();
  variable.multiple = pattern != "*";
  path.variables.push_back(std::move(variable));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<const FieldDescriptor*>> ResolvePath(const Descriptor& type,
                                                                absl::string_view path) {
  std::vector<const FieldDescriptor*> fields;
  const Descriptor* at = &type;
  for (absl::string_view name : absl::StrSplit(path, '.')) {
    const FieldDescriptor* field = at == nullptr ? nullptr : at->FindFieldByName(std::string(name));
    if (field == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(type.full_name(), " has no field ", path));
    }
    fields.push_back(field);
    at = field->message_type();
  }
  return fields;
}

HttpRuleText RuleText(const google::api::HttpRule& rule) {
  HttpRuleText text;
  switch (rule.pattern_case()) {
    case google::api::HttpRule::kGet:
      text = {"GET", rule.get()};
      break;
    case google::api::HttpRule::kPut:
      text = {"PUT", rule.put()};
      break;
    case google::api::HttpRule::kPost:
      text = {"POST", rule.post()};
      break;
    case google::api::HttpRule::kDelete:
      text = {"DELETE", rule.delete_()};
      break;
    case google::api::HttpRule::kPatch:
      text = {"PATCH", rule.patch()};
      break;
    case google::api::HttpRule::kCustom:
      text = {rule.custom().kind(), rule.custom().path()};
      break;
    case google::api::HttpRule::PATTERN_NOT_SET:
      break;
  }
  text.body = rule.body();
  text.response_body = rule.response_body();
  return text;
}

}  // namespace

absl::StatusOr<PathTemplate> ParsePathTemplate(absl::string_view text) {
  PathTemplate path;
  absl::string_view rest = text;
  if (rest.empty() || rest[0] != '/') return BadTemplate(text, "no leading /");
  const size_t colon = rest.rfind(':');
  if (colon != absl::string_view::npos &&
      rest.find_first_of("/}", colon) == absl::string_view::npos) {
    path.verb = std::string(rest.substr(colon + 1));
    rest = rest.substr(0, colon);
  }
  while (!rest.empty()) {
    if (rest[0] != '/') return BadTemplate(text, "expected /");
    rest.remove_prefix(1);
    if (!rest.empty() && rest[0] == '{') {
      const size_t close = rest.find('}');
      if (close == absl::string_view::npos) return BadTemplate(text, "unclosed {");
      RETURN_IF_ERROR(AddVariable(rest.substr(1, close - 1), path));
      rest.remove_prefix(close + 1);
    } else {
      absl::string_view segment = rest.substr(0, rest.find('/'));
      RETURN_IF_ERROR(AddSegments(segment, path));
      rest.remove_prefix(segment.size());
    }
  }
  return path;
}

std::vector<HttpRuleText> AnnotatedRules(const google::protobuf::MethodDescriptor& method) {
  std::vector<HttpRuleText> rules;
  if (!method.options().HasExtension(google::api::http)) return rules;
  const google::api::HttpRule& rule = method.options().GetExtension(google::api::http);
  rules.push_back(RuleText(rule));
  for (const auto& additional : rule.additional_bindings()) rules.push_back(RuleText(additional));
  std::erase_if(rules, [](const HttpRuleText& text) { return text.path.empty(); });
  return rules;
}

absl::StatusOr<HttpBinding> MakeBinding(const Method& method, const HttpRuleText& rule) {
  const Descriptor& request = *method.descriptor->input_type();
  HttpBinding binding;
  binding.method = &method;
  binding.http_verb = rule.http_verb;
  ASSIGN_OR_RETURN(binding.path, ParsePathTemplate(rule.path));
  for (const PathTemplate::Variable& variable : binding.path.variables) {
    HttpBinding::Variable resolved = {{}, variable.begin, variable.end, variable.multiple};
    ASSIGN_OR_RETURN(resolved.fields, ResolvePath(request, variable.field_path));
    binding.variables.push_back(std::move(resolved));
  }
  if (rule.body == "*") {
    binding.body = BodyForm::kWhole;
  } else if (!rule.body.empty()) {
    binding.body = BodyForm::kField;
    ASSIGN_OR_RETURN(auto fields, ResolvePath(request, rule.body));
    binding.body_field = fields.front();
  }
  if (!rule.response_body.empty()) {
    ASSIGN_OR_RETURN(auto fields,
                     ResolvePath(*method.descriptor->output_type(), rule.response_body));
    binding.response_field = fields.front();
    if (binding.response_field->message_type() == nullptr ||
        binding.response_field->is_repeated()) {
      return absl::UnimplementedError(absl::StrCat("response_body of ", method.full_name));
    }
  }
  return binding;
}

struct RouteTable::Node {
  absl::flat_hash_map<std::string, std::unique_ptr<Node>> literals;
  std::unique_ptr<Node> any;                  // "*"
  std::vector<const HttpBinding*> here;       // rules that end at this node
  std::vector<const HttpBinding*> rest_here;  // rules that end with "**" after this node
};

// One way to read the path: with its last ":verb" taken off, or with the colon as part of the name.
struct RouteTable::Search {
  absl::string_view http_verb;
  absl::string_view verb;
  const std::vector<absl::string_view>& segments;
  const HttpBinding* found = nullptr;
  std::vector<std::string>& allowed;
};

RouteTable::RouteTable() : root_(std::make_unique<Node>()) {}
RouteTable::RouteTable(RouteTable&&) noexcept = default;
RouteTable& RouteTable::operator=(RouteTable&&) noexcept = default;
RouteTable::~RouteTable() = default;

bool RouteTable::Add(HttpBinding binding) {
  Node* node = root_.get();
  std::vector<const HttpBinding*>* end = nullptr;
  for (const std::string& segment : binding.path.segments) {
    if (segment == "**") {
      end = &node->rest_here;
      break;
    }
    std::unique_ptr<Node>& next = segment == "*" ? node->any : node->literals[segment];
    if (next == nullptr) next = std::make_unique<Node>();
    node = next.get();
  }
  if (end == nullptr) end = &node->here;
  const bool taken = std::any_of(end->begin(), end->end(), [&](const HttpBinding* other) {
    return other->http_verb == binding.http_verb && other->path.verb == binding.path.verb;
  });
  bindings_.push_back(std::make_unique<HttpBinding>(std::move(binding)));
  if (!taken) end->push_back(bindings_.back().get());
  return !taken;
}

void RouteTable::Arrive(const std::vector<const HttpBinding*>& here, Search& search) {
  for (const HttpBinding* binding : here) {
    if (binding->path.verb != search.verb) continue;
    if (binding->http_verb == search.http_verb) {
      search.found = binding;
      return;
    }
    search.allowed.push_back(binding->http_verb);
  }
}

void RouteTable::Walk(const Node& node, size_t index, Search& search) {
  if (index == search.segments.size()) return Arrive(node.here, search);
  const absl::string_view segment = search.segments[index];
  if (segment.empty()) return;
  if (auto it = node.literals.find(segment); it != node.literals.end()) {
    Walk(*it->second, index + 1, search);
    if (search.found != nullptr) return;
  }
  if (node.any != nullptr) {
    Walk(*node.any, index + 1, search);
    if (search.found != nullptr) return;
  }
  Arrive(node.rest_here, search);
}

RouteMatch RouteTable::Match(absl::string_view http_verb, absl::string_view path) const {
  RouteMatch match;
  if (path.empty() || path[0] != '/') return match;
  match.segments = absl::StrSplit(path.substr(1), absl::MaxSplits('/', kSegmentsMax));
  if (match.segments.size() > kSegmentsMax) return match;
  // Operations and locations also answer below /ui/, where the clients' own tables look first.
  if (match.segments[0] == "ui") match.segments[0] = "v1";
  const absl::string_view last = match.segments.back();
  const size_t colon = last.rfind(':');
  if (colon != absl::string_view::npos && colon + 1 < last.size()) {
    match.segments.back() = last.substr(0, colon);
    Search search = {http_verb, last.substr(colon + 1), match.segments, nullptr, match.allowed};
    Walk(*root_, 0, search);
    match.binding = search.found;
    if (match.binding != nullptr || !match.allowed.empty()) return match;
    match.segments.back() = last;
  }
  Search search = {http_verb, "", match.segments, nullptr, match.allowed};
  Walk(*root_, 0, search);
  match.binding = search.found;
  return match;
}

}  // namespace trainyard::edge
