// A record as a row, and the filter's view of a row.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/filter.h"
#include "store/page_token.h"
#include "store/sqlite_connection.h"
#include "store/store.h"

namespace trainyard::store {

// The columns of the table `record`, named r, in the order that RecordRow reads.
inline constexpr char kRowColumns[] =
    "r.id, r.create_time, r.state, r.name, r.display_name, r.labels, r.live, r.revision, r.scope, "
    "r.value";

std::string EncodeLabels(const std::map<std::string, std::string>& labels);
std::map<std::string, std::string> DecodeLabels(absl::string_view bytes);
// nullopt when there is no such label.
std::optional<std::string> FindLabel(absl::string_view bytes, absl::string_view key);

// The row that `statement` stands on; valid until its next step. Reads only what is asked for.
class RecordRow {
 public:
  explicit RecordRow(const Statement& statement) : statement_(statement) {}

  Position position() const { return {statement_.Int64(1), statement_.Int64(0)}; }
  int64_t scope() const { return statement_.Int64(8); }
  // The value of a field that is a column; `is_column` says whether it is.
  std::optional<model::FilterValue> Column(const std::string& path, bool& is_column) const;
  Record ToRecord(const std::string& kind, const std::string& parent) const;

 private:
  const Statement& statement_;
};

}  // namespace trainyard::store
