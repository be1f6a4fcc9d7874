// Page tokens: a place in the order of a list, signed together with the query it belongs to.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "store/store.h"

namespace trainyard::store {

// Of the last record looked at. The next page begins after it.
struct Position {
  int64_t create_time_us = 0;
  int64_t id = 0;

  // Newest first: the greater comes earlier.
  auto operator<=>(const Position&) const = default;
};

// base64url of version, position and a MAC (HMAC-SHA256, first 16 bytes) over these and the query's
// kind, parent and filter text. Another page size is allowed.
std::string EncodePageToken(const std::string& key, const ListQuery& query, Position position);

// The position in `query.page_token`. INVALID_ARGUMENT when it was not made with `key` for a query
// of this kind, parent and filter.
absl::StatusOr<Position> DecodePageToken(const std::string& key, const ListQuery& query);

}  // namespace trainyard::store
