#include "edge/audit_file.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status.h"
#include "edge/json_quote.h"
#include "edge/openssl.h"

namespace trainyard::edge {
namespace {

constexpr mode_t kSecretMode = 0600;
constexpr size_t kTextMax = 2048;          // of a text that comes from outside; longer ones are cut
constexpr uint64_t kTailBytes = 64 << 10;  // more than the longest line
constexpr uint64_t kChunkBytes = 1 << 20;
constexpr absl::Duration kSyncInterval = absl::Seconds(1);
constexpr absl::string_view kPreviousLabel = "\"trainyard/previous_sha256\":\"";
constexpr absl::string_view kInsertId = "{\"insertId\":\"";

std::string HashOf(absl::string_view line) { return absl::BytesToHexString(Sha256(line)); }

std::string FirstPrevious() { return std::string(64, '0'); }

std::string Cut(absl::string_view text) { return QuoteJson(text.substr(0, kTextMax)); }

absl::string_view ServiceOf(absl::string_view method) {
  const std::pair<absl::string_view, absl::string_view> services[] = {
      {"google.logging.", "logging.googleapis.com"},
      {"google.cloud.resourcemanager.", "cloudresourcemanager.googleapis.com"},
      {"google.", "aiplatform.googleapis.com"},
      {"storage.", "storage.googleapis.com"}};
  for (const auto& [prefix, service] : services) {
    if (absl::StartsWith(method, prefix)) return service;
  }
  return "trainyard";
}

std::string ProjectOf(absl::string_view resource) {
  if (!absl::ConsumePrefix(&resource, "projects/")) return "-";
  return std::string(resource.substr(0, resource.find('/')));
}

// The text after `marker` up to the next quote.
absl::string_view QuotedAfter(absl::string_view line, absl::string_view marker) {
  const size_t start = line.find(marker);
  if (start == absl::string_view::npos) return "";
  line.remove_prefix(start + marker.size());
  return line.substr(0, line.find('"'));
}

uint64_t NumberOf(absl::string_view line) {
  uint64_t number = 0;
  if (!absl::StartsWith(line, kInsertId)) return 0;
  return absl::SimpleAtoi(QuotedAfter(line, kInsertId), &number) ? number : 0;
}

class AuditFile : public Audit {
 public:
  AuditFile(base::Disk& disk, std::string path, std::unique_ptr<base::Executor> executor)
      : disk_(disk), path_(std::move(path)), executor_(std::move(executor)) {}
  ~AuditFile() override {
    executor_.reset();  // its last task may be a sync
    Sync();
  }

  absl::Status Open(absl::Time now) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return OpenLocked(now);
  }

  void Record(const AuditRecord& record) override EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    absl::Status status = file_ == nullptr ? OpenLocked(record.time) : absl::OkStatus();
    if (status.ok() && missing_ > 0) {
      status = Note(record.time, absl::StrCat(missing_, " records could not be written"));
      if (status.ok()) missing_ = 0;
    }
    if (status.ok()) status = Append(record);
    if (!status.ok() && missing_++ == 0) {
      base::Log(base::Severity::kError,
                absl::StrCat("the audit file takes no records: ", status.message()));
    }
  }

 private:
  // Finds the end of the chain; cuts off an unfinished line.
  absl::Status OpenLocked(absl::Time now) REQUIRES(mutex_) {
    uint64_t size = 0;
    const absl::StatusOr<base::FileInfo> info = disk_.Stat(path_);
    if (info.ok()) {
      size = info->size_bytes;
    } else if (!absl::IsNotFound(info.status())) {
      return info.status();
    }
    const uint64_t start = size > kTailBytes ? size - kTailBytes : 0;
    std::string tail;
    if (size > 0) {
      ASSIGN_OR_RETURN(tail, disk_.ReadRange(path_, start, size - start));
    }
    const size_t end = tail.rfind('\n');
    const size_t kept = end == std::string::npos ? 0 : end + 1;
    if (kept == 0 && start > 0) {
      return absl::DataLossError(absl::StrCat(path_, " is no audit file; move it away"));
    }
    const uint64_t torn = tail.size() - kept;
    if (torn > 0) RETURN_IF_ERROR(disk_.Truncate(path_, size - torn));
    RETURN_IF_ERROR(TakeUp(absl::string_view(tail).substr(0, kept)));
    ASSIGN_OR_RETURN(file_, disk_.OpenAppend(path_, kSecretMode));
    if (torn == 0) return absl::OkStatus();
    return Note(now, absl::StrCat(torn, " bytes of an unfinished record were removed"));
  }

  // Goes on after the last of the whole lines.
  absl::Status TakeUp(absl::string_view lines) REQUIRES(mutex_) {
    if (lines.empty()) {
      number_ = 0;
      previous_ = FirstPrevious();
      return absl::OkStatus();
    }
    lines.remove_suffix(1);
    const size_t before = lines.rfind('\n');
    if (before != absl::string_view::npos) lines.remove_prefix(before + 1);
    number_ = NumberOf(lines);
    if (number_ == 0) {
      return absl::DataLossError(absl::StrCat(path_, " is no audit file; move it away"));
    }
    previous_ = HashOf(lines);
    return absl::OkStatus();
  }

  // A record of the file's own.
  absl::Status Note(absl::Time now, const std::string& text) REQUIRES(mutex_) {
    AuditRecord record;
    record.call.method = "trainyard.audit.Repair";
    record.status = absl::DataLossError(text);
    record.time = now;
    return Append(record);
  }

  absl::Status Append(const AuditRecord& record) REQUIRES(mutex_) {
    const std::string line = AuditLine(record, number_ + 1, previous_);
    const absl::Status status = file_->Append(absl::StrCat(line, "\n"));
    if (!status.ok()) {
      file_.reset();  // a part of the line may be there: opening cuts it off
      return status;
    }
    ++number_;
    previous_ = HashOf(line);
    if (!std::exchange(dirty_, true)) executor_->PostAfter(kSyncInterval, [this] { Sync(); });
    return absl::OkStatus();
  }

  void Sync() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    if (!std::exchange(dirty_, false) || file_ == nullptr) return;
    const absl::Status status = file_->Sync();
    if (status.ok()) return;
    file_.reset();
    base::Log(base::Severity::kError,
              absl::StrCat("the audit file was not synced: ", status.message()));
  }

  base::Disk& disk_;
  const std::string path_;
  std::unique_ptr<base::Executor> executor_;
  base::Mutex mutex_;
  std::unique_ptr<base::AppendFile> file_ GUARDED_BY(mutex_);
  uint64_t number_ GUARDED_BY(mutex_) = 0;  // of the last line
  std::string previous_ GUARDED_BY(mutex_);
  uint64_t missing_ GUARDED_BY(mutex_) = 0;
  bool dirty_ GUARDED_BY(mutex_) = false;
};

}  // namespace

std::string AuditLine(const AuditRecord& record, uint64_t number,
                      absl::string_view previous_sha256_hex) {
  const Call& call = record.call;
  const std::string project = ProjectOf(record.resource);
  const std::string method = absl::StrReplaceAll(call.method, {{"/", "."}});
  const absl::string_view service = ServiceOf(method);
  const bool denied = absl::IsPermissionDenied(record.status);
  std::string authentication = absl::StrCat("{\"principalEmail\":", Cut(call.caller.account));
  if (!call.caller.key_id.empty()) {
    absl::StrAppend(&authentication, ",\"serviceAccountKeyName\":",
                    Cut(absl::StrCat("//iam.googleapis.com/projects/-/serviceAccounts/",
                                     call.caller.account, "/keys/", call.caller.key_id)));
  }
  const std::string authorization =
      record.permission.empty() ? ""
                                : absl::StrCat("{\"resource\":", Cut(record.resource),
                                               ",\"permission\":", Cut(record.permission),
                                               ",\"granted\":", denied ? "false" : "true", "}");
  const std::string status =
      record.status.ok() ? "{}"
                         : absl::StrCat("{\"code\":", static_cast<int>(record.status.code()),
                                        ",\"message\":", Cut(record.status.message()), "}");
  return absl::StrCat(
      kInsertId, number, "\",\"logName\":",
      Cut(absl::StrCat("projects/", project, "/logs/cloudaudit.googleapis.com%2Factivity")),
      ",\"timestamp\":\"",
      absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", record.time, absl::UTCTimeZone()),
      "\",\"severity\":\"", record.status.ok() ? "NOTICE" : "ERROR",
      "\",\"resource\":{\"type\":\"audited_resource\",\"labels\":{\"project_id\":", Cut(project),
      ",\"service\":", Cut(service), ",\"method\":", Cut(method), "}},\"labels\":{", kPreviousLabel,
      previous_sha256_hex,
      "\"},\"protoPayload\":{\"@type\":\"type.googleapis.com/google.cloud.audit.AuditLog\","
      "\"serviceName\":",
      Cut(service), ",\"methodName\":", Cut(method), ",\"resourceName\":", Cut(record.resource),
      ",\"authenticationInfo\":", authentication, "},\"authorizationInfo\":[", authorization,
      "],\"requestMetadata\":{\"callerIp\":", Cut(call.peer), "},\"status\":", status, "}}");
}

absl::StatusOr<std::unique_ptr<Audit>> OpenAuditFile(base::Disk& disk, const std::string& path) {
  return OpenAuditFile(disk, path, base::RealClock(),
                       std::make_unique<base::ThreadExecutor>("audit"));
}

absl::StatusOr<std::unique_ptr<Audit>> OpenAuditFile(base::Disk& disk, const std::string& path,
                                                     const base::Clock& clock,
                                                     std::unique_ptr<base::Executor> executor) {
  auto file = std::make_unique<AuditFile>(disk, path, std::move(executor));
  RETURN_IF_ERROR(file->Open(clock.Now()));
  return file;
}

absl::StatusOr<AuditSummary> VerifyAuditFile(base::Disk& disk, const std::string& path) {
  AuditSummary summary;
  summary.last_sha256_hex = FirstPrevious();
  std::string pending;
  for (uint64_t offset = 0;;) {
    ASSIGN_OR_RETURN(const std::string chunk, disk.ReadRange(path, offset, kChunkBytes));
    if (chunk.empty()) break;
    offset += chunk.size();
    pending += chunk;
    size_t start = 0;
    for (size_t end; (end = pending.find('\n', start)) != std::string::npos; start = end + 1) {
      const absl::string_view line = absl::string_view(pending).substr(start, end - start);
      if (NumberOf(line) != summary.records + 1 ||
          QuotedAfter(line, kPreviousLabel) != summary.last_sha256_hex) {
        return absl::DataLossError(
            absl::StrCat("line ", summary.records + 1, " of ", path,
                         " does not follow from the line before it: one of them was changed, or "
                         "lines between them were removed"));
      }
      ++summary.records;
      summary.last_sha256_hex = HashOf(line);
    }
    pending.erase(0, start);
  }
  summary.torn_bytes = pending.size();
  return summary;
}

}  // namespace trainyard::edge
