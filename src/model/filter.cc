#include "model/filter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"

namespace trainyard::model {
namespace {

constexpr size_t kFilterBytesMax = 20'000;
constexpr int kFilterDepthMax = 50;

bool IsKeyword(absl::string_view text) { return text == "AND" || text == "OR" || text == "NOT"; }

bool IsSpace(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }

std::string SnakeCase(absl::string_view name) {
  std::string snake;
  for (char c : name) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c)) && !snake.empty() &&
        snake.back() != '_') {
      snake += '_';
    }
    snake += absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  return snake;
}

// True when what follows `segment` are the user's own keys.
bool HoldsKeys(absl::string_view segment) {
  return segment == "labels" || absl::EndsWith(segment, "_labels") || segment == "metadata" ||
         segment == "json_payload";
}

std::optional<absl::Time> ReadTime(const std::string& text) {
  if (text.size() < 10 || text[4] != '-') return std::nullopt;
  absl::Time time;
  std::string ignored;
  for (const char* format : {absl::RFC3339_full, "%E4Y-%m-%dT%H:%M:%E*S", "%E4Y-%m-%d"}) {
    if (absl::ParseTime(format, text, &time, &ignored)) return time;
  }
  return std::nullopt;
}

FilterNode Group(FilterNode::Kind kind, std::vector<FilterNode> children) {
  if (children.size() == 1) return std::move(children[0]);
  return FilterNode{.kind = kind, .children = std::move(children)};
}

struct Literal {
  std::string text;
  bool quoted = false;
};

// Field and operator of a comparison whose values stand in parentheses: a=(x OR y).
struct Comparison {
  std::string path;
  std::string op;
};

class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  absl::StatusOr<Filter> Parse() {
    SkipSpace();
    if (AtEnd()) return Filter{};
    ASSIGN_OR_RETURN(FilterNode root, ParseExpression(0, nullptr));
    if (!AtEnd()) return Fail("AND, OR or the end");
    return Filter{std::move(root)};
  }

 private:
  bool AtEnd() const { return position_ == text_.size(); }
  bool At(char c) const { return !AtEnd() && text_[position_] == c; }
  bool AtQuote() const { return At('"') || At('\''); }
  absl::string_view Rest() const { return text_.substr(position_); }

  absl::Status Problem(absl::string_view what) const {
    int column = 1;  // in characters: UTF-8 continuation bytes do not count
    for (char c : text_.substr(0, position_)) {
      if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++column;
    }
    return absl::InvalidArgumentError(absl::StrCat("filter, column ", column, ": ", what));
  }
  absl::Status Fail(absl::string_view expected) const {
    return Problem(absl::StrCat("expected ", expected));
  }

  void SkipSpace() {
    while (!AtEnd()) {
      if (IsSpace(text_[position_])) {
        ++position_;
      } else if (absl::StartsWith(Rest(), "--")) {
        while (!AtEnd() && !At('\n')) ++position_;
      } else {
        return;
      }
    }
  }

  // The word in capitals that stands here, and is no longer a word: "AND", not "ANDROID".
  bool TakeKeyword(absl::string_view keyword) {
    if (!absl::StartsWith(Rest(), keyword)) return false;
    absl::string_view after = Rest().substr(keyword.size());
    if (!after.empty() && !IsSpace(after[0]) && !absl::StrContains("()\"'-", after[0])) {
      return false;
    }
    position_ += keyword.size();
    SkipSpace();
    return true;
  }

  // `comparison` is set within the parentheses of a comparison's values.
  absl::StatusOr<FilterNode> ParseExpression(int depth, const Comparison* comparison) {
    std::vector<FilterNode> factors;
    while (true) {
      ASSIGN_OR_RETURN(FilterNode factor, ParseFactor(depth, comparison));
      factors.push_back(std::move(factor));
      bool more = TakeKeyword("AND");
      if (!more && (AtEnd() || At(')'))) break;
    }
    return Group(FilterNode::Kind::kAnd, std::move(factors));
  }

  absl::StatusOr<FilterNode> ParseFactor(int depth, const Comparison* comparison) {
    std::vector<FilterNode> terms;
    do {
      ASSIGN_OR_RETURN(FilterNode term, ParseTerm(depth, comparison));
      terms.push_back(std::move(term));
    } while (TakeKeyword("OR"));
    return Group(FilterNode::Kind::kOr, std::move(terms));
  }

  absl::StatusOr<FilterNode> ParseTerm(int depth, const Comparison* comparison) {
    if (depth > kFilterDepthMax) {
      return Problem(absl::StrCat("nested deeper than ", kFilterDepthMax, " levels"));
    }
    bool minus = comparison == nullptr && At('-');
    if (minus) ++position_;
    if (minus || TakeKeyword("NOT")) {
      ASSIGN_OR_RETURN(FilterNode negated, ParseTerm(depth + 1, comparison));
      return FilterNode{.kind = FilterNode::Kind::kNot, .children = {std::move(negated)}};
    }
    if (At('(')) return ParseGroup(depth + 1, comparison);
    if (comparison != nullptr) return ParseValue(*comparison);
    return ParseRestriction(depth);
  }

  absl::StatusOr<FilterNode> ParseGroup(int depth, const Comparison* comparison) {
    ++position_;
    SkipSpace();
    ASSIGN_OR_RETURN(FilterNode inner, ParseExpression(depth, comparison));
    if (!At(')')) return Fail("')'");
    ++position_;
    SkipSpace();
    return inner;
  }

  // field OPERATOR value, or a bare word to search for.
  absl::StatusOr<FilterNode> ParseRestriction(int depth) {
    size_t start = position_;
    ASSIGN_OR_RETURN(std::vector<Literal> segments, ParseSegments());
    if (At('(')) {
      return Problem(absl::StrCat("the function ", text_.substr(start, position_ - start),
                                  "() is not supported"));
    }
    SkipSpace();
    ASSIGN_OR_RETURN(std::string op, ParseOperator());
    if (op.empty()) {
      return FilterNode{.kind = FilterNode::Kind::kText,
                        .value = absl::StrJoin(segments, ".",
                                               [](std::string* out, const Literal& segment) {
                                                 out->append(segment.text);
                                               }),
                        .quoted = segments[0].quoted};
    }
    SkipSpace();
    Comparison comparison{PathOf(segments), op};
    if (At('(')) return ParseGroup(depth + 1, &comparison);
    return ParseValue(comparison);
  }

  static std::string PathOf(const std::vector<Literal>& segments) {
    std::string path;
    bool keys = false;
    for (const Literal& segment : segments) {
      std::string name = keys || segment.quoted ? segment.text : SnakeCase(segment.text);
      absl::StrAppend(&path, path.empty() ? "" : ".", name);
      keys = keys || HoldsKeys(name);
    }
    return path;
  }

  absl::StatusOr<std::vector<Literal>> ParseSegments() {
    std::vector<Literal> segments;
    do {
      if (!segments.empty()) ++position_;  // the dot
      if (AtQuote()) {
        ASSIGN_OR_RETURN(std::string text, ParseQuoted());
        segments.push_back({std::move(text), true});
        continue;
      }
      std::string text = TakeUntil("()\"'<>=:!,.");
      if (text.empty()) {
        return Fail(segments.empty() ? "a field, a word or '('" : "a field name after '.'");
      }
      if (segments.empty() && IsKeyword(text)) {
        position_ -= text.size();
        return Fail(absl::StrCat("a field, a word or '(' instead of ", text));
      }
      segments.push_back({std::move(text), false});
    } while (At('.'));
    return segments;
  }

  // Empty where none stands here.
  absl::StatusOr<std::string> ParseOperator() {
    if (absl::StartsWith(Rest(), "=~") || absl::StartsWith(Rest(), "!~")) {
      return Problem("regular expressions are not supported; use ':'");
    }
    for (absl::string_view op : {"<=", ">=", "!=", "=!", "<", ">", "=", ":"}) {
      if (!absl::StartsWith(Rest(), op)) continue;
      position_ += op.size();
      return std::string(op == "=!" ? "!=" : op);
    }
    return std::string();
  }

  absl::StatusOr<FilterNode> ParseValue(const Comparison& comparison) {
    Literal literal;
    size_t start = position_;
    if (AtQuote()) {
      ASSIGN_OR_RETURN(literal.text, ParseQuoted());
      literal.quoted = true;
    } else {
      literal.text = TakeUntil("()\"'<>=,");
      if (literal.text.empty() || IsKeyword(literal.text)) {
        position_ = start;
        return Fail(absl::StrCat("a value after '", comparison.op, "'"));
      }
    }
    if (At(',')) {
      return Problem(absl::StrCat("a list of values is not supported; join ", comparison.path,
                                  comparison.op, "... by AND or OR"));
    }
    if (At('(')) return Problem("functions are not supported");
    if (!AtEnd() && !IsSpace(text_[position_]) && !At(')')) return Fail("AND, OR or the end");
    SkipSpace();
    return Compare(comparison, std::move(literal));
  }

  static FilterNode Compare(const Comparison& comparison, Literal literal) {
    FilterNode node{.kind = FilterNode::Kind::kCompare,
                    .path = comparison.path,
                    .op = comparison.op,
                    .value = std::move(literal.text),
                    .quoted = literal.quoted};
    // labels:key asks for the key.
    bool map = node.path.find("labels") + 6 == node.path.size();
    if (map && node.op == ":" && node.value != "*") {
      absl::StrAppend(&node.path, ".", node.value);
      node.value = "*";
    }
    node.time = ReadTime(node.value);
    double number = 0;
    if (absl::SimpleAtod(node.value, &number)) node.number = number;
    return node;
  }

  std::string TakeUntil(absl::string_view stops) {
    size_t start = position_;
    while (!AtEnd() && !IsSpace(text_[position_]) && !absl::StrContains(stops, text_[position_])) {
      ++position_;
    }
    return std::string(text_.substr(start, position_ - start));
  }

  absl::StatusOr<std::string> ParseQuoted() {
    const char quote = text_[position_++];
    std::string value;
    while (!AtEnd()) {
      char c = text_[position_++];
      if (c == quote) return value;
      if (c != '\\') {
        value += c;
        continue;
      }
      RETURN_IF_ERROR(ParseEscape(value));
    }
    return Fail(absl::StrCat("a closing ", std::string(1, quote)));
  }

  absl::Status ParseEscape(std::string& value) {
    constexpr absl::string_view kLetters = "ntrbf\"'\\/*";
    constexpr absl::string_view kMeanings = "\n\t\r\b\f\"'\\/*";
    if (AtEnd()) return Fail("a character after '\\'");
    char c = text_[position_++];
    if (c == 'u') return ParseUnicodeEscape(value);
    size_t letter = kLetters.find(c);
    if (letter == absl::string_view::npos) {
      --position_;
      return Fail("one of n t r b f u \" ' \\ / * after '\\'");
    }
    value += kMeanings[letter];
    return absl::OkStatus();
  }

  absl::StatusOr<uint32_t> ParseHex4() {
    uint32_t code = 0;
    absl::string_view digits = Rest().substr(0, 4);
    if (digits.size() < 4 || !std::all_of(digits.begin(), digits.end(), absl::ascii_isxdigit) ||
        !absl::SimpleHexAtoi(digits, &code)) {
      return Fail("four hexadecimal digits after '\\u'");
    }
    position_ += 4;
    return code;
  }

  absl::Status ParseUnicodeEscape(std::string& value) {
    ASSIGN_OR_RETURN(uint32_t code, ParseHex4());
    if (code >= 0xd800 && code < 0xdc00 && absl::StartsWith(Rest(), "\\u")) {
      position_ += 2;
      ASSIGN_OR_RETURN(uint32_t low, ParseHex4());
      if (low < 0xdc00 || low > 0xdfff) return Fail("the second half of a surrogate pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code >= 0xd800 && code <= 0xdfff) return Fail("a pair of surrogates");
    AppendUtf8(code, value);
    return absl::OkStatus();
  }

  static void AppendUtf8(uint32_t code, std::string& value) {
    auto append = [&](uint32_t byte) { value += static_cast<char>(byte); };
    if (code < 0x80) return append(code);
    if (code < 0x800) {
      append(0xc0 | code >> 6);
    } else if (code < 0x10000) {
      append(0xe0 | code >> 12);
      append(0x80 | (code >> 6 & 0x3f));
    } else {
      append(0xf0 | code >> 18);
      append(0x80 | (code >> 12 & 0x3f));
      append(0x80 | (code >> 6 & 0x3f));
    }
    append(0x80 | (code & 0x3f));
  }

  const absl::string_view text_;
  size_t position_ = 0;
};

// `*` stands for any characters. Linear but for the last star: each piece is looked for once.
bool GlobMatches(absl::string_view pattern, absl::string_view text) {
  size_t star = pattern.find('*');
  if (star == absl::string_view::npos) return pattern == text;
  if (!absl::StartsWith(text, pattern.substr(0, star))) return false;
  text.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  while ((star = pattern.find('*')) != absl::string_view::npos) {
    size_t found = text.find(pattern.substr(0, star));
    if (found == absl::string_view::npos) return false;
    text.remove_prefix(found + star);
    pattern.remove_prefix(star + 1);
  }
  return absl::EndsWith(text, pattern);
}

bool ContainsIgnoringCase(absl::string_view text, absl::string_view wanted) {
  auto same = [](char a, char b) {
    return absl::ascii_tolower(static_cast<unsigned char>(a)) ==
           absl::ascii_tolower(static_cast<unsigned char>(b));
  };
  return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(), same) != text.end() ||
         wanted.empty();
}

template <typename T>
bool Ordered(const T& left, const std::string& op, const T& right) {
  if (op == "=" || op == ":") return left == right;
  if (op == "!=") return !(left == right);
  if (op == "<") return left < right;
  if (op == "<=") return !(right < left);
  if (op == ">") return right < left;
  return !(left < right);
}

// -1 for what is no severity.
int SeverityRank(absl::string_view name) {
  constexpr absl::string_view kNames[] = {"DEFAULT", "DEBUG",    "INFO",  "NOTICE",   "WARNING",
                                          "ERROR",   "CRITICAL", "ALERT", "EMERGENCY"};
  for (int rank = 0; rank < 9; ++rank) {
    if (absl::EqualsIgnoreCase(name, kNames[rank])) return rank;
  }
  return -1;
}

bool StringMatches(const FilterNode& node, const std::string& value) {
  if (node.path == "severity" && node.op != ":") {
    return Ordered(SeverityRank(value), node.op, SeverityRank(node.value));
  }
  if (node.op != ":") return Ordered(value, node.op, node.value);
  return absl::StrContains(node.value, "*") ? GlobMatches(node.value, value)
                                            : ContainsIgnoringCase(value, node.value);
}

bool NodeMatches(const FilterNode& node, const FilterFields& fields,
                 const std::function<std::string()>& text_of) {
  auto matches = [&](const FilterNode& child) { return NodeMatches(child, fields, text_of); };
  switch (node.kind) {
    case FilterNode::Kind::kAnd:
      return std::all_of(node.children.begin(), node.children.end(), matches);
    case FilterNode::Kind::kOr:
      return std::any_of(node.children.begin(), node.children.end(), matches);
    case FilterNode::Kind::kNot:
      return !matches(node.children[0]);
    case FilterNode::Kind::kText:
      return text_of != nullptr && ContainsIgnoringCase(text_of(), node.value);
    case FilterNode::Kind::kCompare:
      return CompareMatches(node, fields(node.path));
  }
  return false;
}

bool IsKnown(const std::string& path, const std::vector<std::string>& known) {
  return std::any_of(known.begin(), known.end(), [&](absl::string_view name) {
    if (name == path) return true;
    if (!absl::EndsWith(name, ".*")) return false;
    name.remove_suffix(1);
    return absl::StartsWith(path, name) || absl::StrCat(path, ".") == name;
  });
}

absl::Status CheckNode(const FilterNode& node, const std::vector<std::string>& known) {
  for (const FilterNode& child : node.children) RETURN_IF_ERROR(CheckNode(child, known));
  if (node.kind == FilterNode::Kind::kText && !IsKnown("*", known)) {
    return absl::InvalidArgumentError(
        absl::StrCat("filter: \"", node.value, "\" is compared with nothing; write FIELD=VALUE"));
  }
  if (node.kind != FilterNode::Kind::kCompare) return absl::OkStatus();
  if (!IsKnown(node.path, known)) {
    return absl::InvalidArgumentError(absl::StrCat("filter: unknown field \"", node.path,
                                                   "\"; known are ", absl::StrJoin(known, ", ")));
  }
  bool of_time = absl::EndsWith(node.path, "_time") || node.path == "timestamp";
  if (of_time && !node.time.has_value() && !(node.op == ":" && node.value == "*")) {
    return absl::InvalidArgumentError(
        absl::StrCat("filter: ", node.path, " is compared with \"", node.value,
                     "\", which is no time; write it as \"2026-01-31T15:04:05Z\""));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Filter> ParseFilter(absl::string_view text) {
  if (text.size() > kFilterBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("filter: longer than ", kFilterBytesMax, " bytes"));
  }
  return Parser(text).Parse();
}

bool Matches(const Filter& filter, const FilterFields& fields,
             const std::function<std::string()>& text_of) {
  return !filter.root.has_value() || NodeMatches(*filter.root, fields, text_of);
}

bool CompareMatches(const FilterNode& node, const std::optional<FilterValue>& value) {
  if (!value.has_value()) return false;
  if (node.op == ":" && node.value == "*") return true;
  if (const auto* text = std::get_if<std::string>(&*value)) return StringMatches(node, *text);
  if (const auto* time = std::get_if<absl::Time>(&*value)) {
    return node.time.has_value() && Ordered(*time, node.op, *node.time);
  }
  if (const auto* number = std::get_if<double>(&*value)) {
    return node.number.has_value() && Ordered(*number, node.op, *node.number);
  }
  bool truth = absl::EqualsIgnoreCase(node.value, "true");
  if (!truth && !absl::EqualsIgnoreCase(node.value, "false")) return false;
  return Ordered(std::get<bool>(*value), node.op, truth);
}

absl::Status CheckFilterFields(const Filter& filter, const std::vector<std::string>& known) {
  return filter.root.has_value() ? CheckNode(*filter.root, known) : absl::OkStatus();
}

}  // namespace trainyard::model
