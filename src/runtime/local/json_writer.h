// Writes JSON: just enough for an OCI config.json.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace trainyard::runtime {

// Calls must nest as JSON does; inside an object every value follows a Key. Threads: one.
class JsonWriter {
 public:
  JsonWriter& Begin();  // {
  JsonWriter& End();
  JsonWriter& BeginList();  // [
  JsonWriter& EndList();
  JsonWriter& Key(absl::string_view name);
  // Bytes that are no UTF-8 become U+FFFD.
  JsonWriter& String(absl::string_view text);
  JsonWriter& Number(int64_t number);
  JsonWriter& Bool(bool value);
  JsonWriter& Strings(const std::vector<std::string>& texts);

  const std::string& text() const { return text_; }

 private:
  void Separate();

  std::string text_;
  bool first_ = true;  // nothing is in the innermost bracket yet, or a key waits for its value
};

}  // namespace trainyard::runtime
