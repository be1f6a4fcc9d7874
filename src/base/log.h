// The server's own log: one line an event on standard error, and CHECK for bugs.
//
// A line is `2026-01-02T03:04:05.678Z I job started job=123`: time, severity, text. Never pass a
// key, a token or a job's environment. Threads: any.
#pragma once

#include "absl/strings/string_view.h"

namespace trainyard::base {

enum class Severity { kInfo, kWarning, kError };

void Log(Severity severity, absl::string_view text);

// Prints what failed and where, and aborts. Behind CHECK.
[[noreturn]] void FailCheck(const char* file, int line, const char* expression);

}  // namespace trainyard::base

// A bug in this program, never a fault of the world outside it. Always on.
#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) ::trainyard::base::FailCheck(__FILE__, __LINE__, #condition); \
  } while (false)
