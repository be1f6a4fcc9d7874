#include "bin/service_log.h"

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"

namespace trainyard::bin {
namespace {

void Warn(const absl::Status& status, const std::string& job_id) {
  if (status.ok()) return;
  base::Log(base::Severity::kWarning,
            absl::StrCat("log of job ", job_id, ": ", std::string(status.message())));
}

}  // namespace

void ServiceLog::Write(const std::string& job_id, absl::Time, bool error, const std::string& text) {
  executor_.Post([this, job_id, error, text] {
    logs::Writer* writer = WriterOf(job_id);
    if (writer == nullptr) return;
    absl::Status status = writer->AppendLine(logs::Stream::kService, text, error);
    if (status.ok()) status = writer->Flush();
    Warn(status, job_id);
    if (!status.ok()) Close(job_id);
  });
}

void ServiceLog::Remove(const std::string& job_id) {
  executor_.Post([this, job_id] {
    Close(job_id);
    Warn(reader_.RemoveJob(job_id), job_id);
  });
}

logs::Writer* ServiceLog::WriterOf(const std::string& job_id) {
  auto found = by_job_.find(job_id);
  if (found != by_job_.end()) {
    open_.splice(open_.begin(), open_, found->second);
    return found->second->writer.get();
  }
  logs::WriterOptions options;
  options.directory = absl::StrCat(root_, "/", job_id, "/service");
  absl::StatusOr<std::unique_ptr<logs::Writer>> writer =
      logs::Writer::Open(disk_, clock_, std::move(options));
  if (!writer.ok()) {
    Warn(writer.status(), job_id);
    return nullptr;
  }
  if (open_.size() >= kOpenMax) Close(open_.back().job_id);
  open_.push_front({job_id, *std::move(writer)});
  by_job_[job_id] = open_.begin();
  return open_.front().writer.get();
}

void ServiceLog::Close(const std::string& job_id) {
  auto found = by_job_.find(job_id);
  if (found == by_job_.end()) return;
  open_.erase(found->second);
  by_job_.erase(found);
}

}  // namespace trainyard::bin
