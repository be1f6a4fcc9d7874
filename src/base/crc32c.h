// CRC-32C (Castagnoli; reflected polynomial 0x82f63b78), as in iSCSI and Cloud Storage. Threads:
// any.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace trainyard::base {

// The checksum of what `crc` was made of followed by `bytes`. Start from 0.
// At 8 bytes an instruction where the processor has SSE 4.2, else 8 bytes a table step.
uint32_t ExtendCrc32c(uint32_t crc, absl::string_view bytes);

inline uint32_t Crc32c(absl::string_view bytes) { return ExtendCrc32c(0, bytes); }

// The same without special instructions.
uint32_t ExtendCrc32cPortable(uint32_t crc, absl::string_view bytes);

}  // namespace trainyard::base
