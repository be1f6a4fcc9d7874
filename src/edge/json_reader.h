// A strict JSON reader (RFC 8259) that hands out one token at a time and builds no tree.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trainyard::edge {

enum class JsonKind { kObject, kArray, kString, kNumber, kTrue, kFalse, kNull };

// Values nested deeper are refused.
inline constexpr int kJsonDepthMax = 100;

// INVALID_ARGUMENT in Google's wording, with the place, where the text is no JSON. `text` outlives
// the reader.
//
//   reader.EnterObject();
//   while (more = reader.NextKey(key), *more) { read or skip one value }
class JsonReader {
 public:
  explicit JsonReader(absl::string_view text) : text_(text) {}

  // What comes next; takes nothing.
  absl::StatusOr<JsonKind> Peek();
  absl::Status EnterObject() { return Enter('{'); }
  absl::Status EnterArray() { return Enter('['); }
  // False: the object has ended, and was left.
  absl::StatusOr<bool> NextKey(std::string& key);
  absl::StatusOr<bool> NextElement();
  absl::Status ReadString(std::string& text);
  // The number as written.
  absl::StatusOr<absl::string_view> ReadNumber();
  // true, false or null.
  absl::Status ReadLiteral(JsonKind kind);
  absl::Status SkipValue();
  // Nothing but white space is left.
  absl::Status Finish();

  // A place to come back to, at the same depth.
  struct Mark {
    size_t position;
    bool first;
  };
  Mark Here() const { return {position_, first_}; }
  void Return(Mark mark) {
    position_ = mark.position;
    first_ = mark.first;
  }

 private:
  absl::Status Syntax(absl::string_view what) const;
  absl::Status Enter(char open);
  absl::StatusOr<bool> NextItem(char close);
  absl::Status ReadEscape(std::string& out);
  absl::Status ReadCodePoint(std::string& out);
  absl::StatusOr<uint32_t> ReadHex4();
  void SkipSpace();
  bool Take(char c);

  absl::string_view text_;
  size_t position_ = 0;
  int depth_ = 0;
  bool first_ = true;  // no item of the current object or array was read yet
};

}  // namespace trainyard::edge
