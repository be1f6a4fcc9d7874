// URL templates of google.api.http, and the table that finds the one a path was made from.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "edge/method_table.h"
#include "google/protobuf/descriptor.h"

namespace trainyard::edge {

// "/v1/{name=projects/*/locations/*}/operations/**:cancel", taken apart.
struct PathTemplate {
  struct Variable {
    std::string field_path;  // "custom_job.name"
    size_t begin = 0;        // its segments
    size_t end = 0;
    bool multiple = false;  // may hold '/': %2F stays as it is
  };
  std::vector<std::string> segments;  // a literal, "*", or last "**"
  std::string verb;                   // "cancel"; empty: none
  std::vector<Variable> variables;
};
absl::StatusOr<PathTemplate> ParsePathTemplate(absl::string_view text);

enum class BodyForm { kNone, kWhole, kField };

// One HTTP rule of one method.
struct HttpBinding {
  struct Variable {
    std::vector<const google::protobuf::FieldDescriptor*> fields;  // "custom_job", "name"
    size_t begin = 0;
    size_t end = 0;
    bool multiple = false;
  };
  const Method* method = nullptr;
  std::string http_verb;  // "GET"
  PathTemplate path;
  std::vector<Variable> variables;
  BodyForm body = BodyForm::kNone;
  const google::protobuf::FieldDescriptor* body_field = nullptr;      // of kField
  const google::protobuf::FieldDescriptor* response_field = nullptr;  // null: the whole message
};

// A rule as it is written, before its names are looked up.
struct HttpRuleText {
  std::string http_verb;
  std::string path;
  std::string body;
  std::string response_body;
};
// All rules that the method's own annotations give, additional_bindings included.
std::vector<HttpRuleText> AnnotatedRules(const google::protobuf::MethodDescriptor& method);
absl::StatusOr<HttpBinding> MakeBinding(const Method& method, const HttpRuleText& rule);

// What a request's path and verb lead to.
struct RouteMatch {
  const HttpBinding* binding = nullptr;     // null: none
  std::vector<absl::string_view> segments;  // of the path, as sent, without the verb
  std::vector<std::string> allowed;  // verbs that the path knows, when only the verb is wrong
};

// A trie on literal segments: the cost of a look-up does not grow with the number of rules. A
// literal wins over "*", "*" over "**"; of two equal rules the first added.
class RouteTable {
 public:
  RouteTable();
  RouteTable(RouteTable&&) noexcept;
  RouteTable& operator=(RouteTable&&) noexcept;
  ~RouteTable();
  // False when an equal rule was there.
  bool Add(HttpBinding binding);
  // `path`: as sent, with no query. Views of the result point into it. Threads: any, after the last
  // Add.
  RouteMatch Match(absl::string_view http_verb, absl::string_view path) const;
  const std::vector<std::unique_ptr<HttpBinding>>& bindings() const { return bindings_; }

 private:
  struct Node;
  struct Search;
  static void Walk(const Node& node, size_t index, Search& search);
  static void Arrive(const std::vector<const HttpBinding*>& here, Search& search);

  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<HttpBinding>> bindings_;
};

}  // namespace trainyard::edge
