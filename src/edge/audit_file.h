// The audit file: JSON Lines, each a LogEntry with an AuditLog as Google's Cloud Logging shows
// them.
//
// The label "trainyard/previous_sha256" of each line is the SHA-256 of the line before, so that no
// line can be changed, removed or put in between unseen. (Lines cut off the end are not seen: ship
// the file elsewhere to prove those.) insertId counts the lines from 1.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/executor.h"
#include "edge/call.h"

namespace trainyard::edge {

// Append-only, mode 0600. A record is with the kernel when Record returns, and on stable storage
// within a second. What an unclean end left of a last line is cut off when the file is opened, and
// a record says so. Where a record cannot be written, the server's log says so, once; the next one
// that can be tells how many are missing. Threads: any.
//
// The first form syncs on a thread of its own, the second on `executor`. `disk` outlives the
// result.
absl::StatusOr<std::unique_ptr<Audit>> OpenAuditFile(base::Disk& disk, const std::string& path);
absl::StatusOr<std::unique_ptr<Audit>> OpenAuditFile(base::Disk& disk, const std::string& path,
                                                     const base::Clock& clock,
                                                     std::unique_ptr<base::Executor> executor);

// The line of a record, without its newline.
std::string AuditLine(const AuditRecord& record, uint64_t number,
                      absl::string_view previous_sha256_hex);

struct AuditSummary {
  uint64_t records = 0;
  uint64_t torn_bytes = 0;  // of an unfinished last line
  std::string last_sha256_hex;
};

// Reads the whole file. DATA_LOSS, naming the line, at the first one that does not follow from the
// line before it.
absl::StatusOr<AuditSummary> VerifyAuditFile(base::Disk& disk, const std::string& path);

}  // namespace trainyard::edge
