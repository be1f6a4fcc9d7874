// The service's own lines in jobs' logs, written off the engine's thread.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/disk.h"
#include "base/executor.h"
#include "control/engine.h"
#include "logs/logs.h"

namespace trainyard::bin {

// Order is kept. At most kOpenMax files are open. `executor` is its own: writes happen there.
class ServiceLog : public control::JobLog {
 public:
  ServiceLog(base::Disk& disk, const base::Clock& clock, base::Executor& executor,
             const logs::Reader& reader, std::string root)
      : disk_(disk), clock_(clock), executor_(executor), reader_(reader), root_(std::move(root)) {}

  void Write(const std::string& job_id, absl::Time time, bool error,
             const std::string& text) override;
  void Remove(const std::string& job_id) override;

 private:
  static constexpr size_t kOpenMax = 64;
  struct Open {
    std::string job_id;
    std::unique_ptr<logs::Writer> writer;
  };
  // The writer of a job, most recently used first; null when its file cannot be opened.
  logs::Writer* WriterOf(const std::string& job_id);
  void Close(const std::string& job_id);

  base::Disk& disk_;
  const base::Clock& clock_;
  base::Executor& executor_;
  const logs::Reader& reader_;
  const std::string root_;
  // Touched by the executor's tasks alone.
  std::list<Open> open_;
  std::map<std::string, std::list<Open>::iterator> by_job_;
};

}  // namespace trainyard::bin
