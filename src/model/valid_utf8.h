// Bytes from a job, made fit for a message's string field.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace trainyard::model {

// Each byte that is no part of valid UTF-8 becomes U+FFFD.
std::string ValidUtf8(absl::string_view text);

}  // namespace trainyard::model
