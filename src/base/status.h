// Status macros, and errno as a status. The only two macros for error flow in this project.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trainyard::base {

// `what` says which operation on which object failed: "open /x/y". Maps ENOENT to NOT_FOUND, EEXIST
// to ALREADY_EXISTS, EACCES and EPERM to PERMISSION_DENIED, ENOSPC and EDQUOT to
// RESOURCE_EXHAUSTED, EINVAL to INVALID_ARGUMENT, the rest to INTERNAL. The message is "what:
// strerror".
absl::Status ErrnoStatus(int error_number, absl::string_view what);

// The same code and payloads, with `prefix` and ": " before the message.
absl::Status Annotate(const absl::Status& status, absl::string_view prefix);

}  // namespace trainyard::base

#define RETURN_IF_ERROR(expression)                                           \
  do {                                                                        \
    if (::absl::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

#define TRAINYARD_CONCAT_INNER(a, b) a##b
#define TRAINYARD_CONCAT(a, b) TRAINYARD_CONCAT_INNER(a, b)
#define ASSIGN_OR_RETURN(left, expression) \
  ASSIGN_OR_RETURN_INNER(TRAINYARD_CONCAT(status_or_, __LINE__), left, expression)
#define ASSIGN_OR_RETURN_INNER(status_or, left, expression) \
  auto status_or = (expression);                            \
  if (!status_or.ok()) return status_or.status();           \
  left = std::move(status_or).value()
