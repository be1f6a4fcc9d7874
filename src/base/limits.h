// A limit on everything. Each says what happens when it is reached.
#pragma once

#include <cstddef>
#include <cstdint>

namespace trainyard::base::limits {

// HTTP. Over: 431, 413, the connection is refused with 503, 408.
inline constexpr size_t kHeaderBytesMax = 64 << 10;
inline constexpr size_t kJsonBodyBytesMax = 10 << 20;
inline constexpr int kConnectionsMax = 1024;
inline constexpr int kHeaderTimeoutSeconds = 30;
inline constexpr int kIdleTimeoutSeconds = 120;

// Calls. Over: RESOURCE_EXHAUSTED, or UNAVAILABLE for a full queue; the client may try again.
inline constexpr size_t kGrpcMessageBytesMax = 10 << 20;
inline constexpr size_t kCallQueueMax = 4096;
inline constexpr size_t kCommandQueueMax = 10'000;

// Lists. Over: clamped.
inline constexpr int kPageSizeDefault = 100;
inline constexpr int kPageSizeMax = 1000;
// Records read for one page when no index serves the filter; then the page is short.
inline constexpr int kScanRecordsMax = 20'000;
// Of the records on one page; then the page is short. One record is always there.
inline constexpr size_t kPageBytesMax = 8 << 20;

// Logs. A longer line is split and each piece is marked.
inline constexpr size_t kLogLineBytesMax = 256 << 10;
inline constexpr uint64_t kLogSegmentBytesMax = 64 << 20;

}  // namespace trainyard::base::limits
