#include "runner/output.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace trainyard::runner {
namespace {

constexpr absl::Duration kFlushDelayMax = absl::Milliseconds(50);
constexpr size_t kTailBytesMax = 4 << 10;

}  // namespace

void Tail::Append(absl::string_view bytes) {
  if (bytes.size() > bytes_max_) {
    cut_ = true;
    bytes_.clear();
    bytes.remove_prefix(bytes.size() - bytes_max_);
  }
  bytes_.append(bytes.data(), bytes.size());
  // Twice the size before it is cut: most appends move nothing.
  if (bytes_.size() > 2 * bytes_max_) {
    cut_ = true;
    bytes_.erase(0, bytes_.size() - bytes_max_);
  }
}

std::string Tail::Text() const {
  absl::string_view text = bytes_;
  bool cut = cut_;
  if (text.size() > bytes_max_) {
    cut = true;
    text.remove_prefix(text.size() - bytes_max_);
  }
  size_t newline = text.find('\n');
  if (cut && newline != absl::string_view::npos && newline + 1 < text.size()) {
    text.remove_prefix(newline + 1);
  }
  return std::string(text);
}

Output::Output(const base::Clock& clock, std::unique_ptr<logs::Writer> log)
    : clock_(clock), log_(std::move(log)), stderr_tail_(kTailBytesMax) {}

void Output::Append(logs::Stream stream, absl::string_view bytes) {
  if (stream == logs::Stream::kStderr) stderr_tail_.Append(bytes);
  if (!waiting()) flush_due_ = clock_.Monotonic() + kFlushDelayMax;
  ConfessLoss();
  absl::Status status = log_->AppendBytes(stream, bytes);
  if (!status.ok()) Lose(status, bytes.size());
}

void Output::Flush() {
  flush_due_ = absl::InfiniteDuration();
  absl::Status status = log_->Flush();
  if (!status.ok()) Lose(status, 0);
}

void Output::Finish() {
  for (logs::Stream stream : {logs::Stream::kStdout, logs::Stream::kStderr}) {
    absl::Status status = log_->FinishLine(stream);
    if (!status.ok()) Lose(status, 0);
  }
  ConfessLoss();
  Flush();
  absl::Status status = log_->Sync();
  if (!status.ok()) Lose(status, 0);
}

void Output::Lose(const absl::Status& status, size_t bytes) {
  lost_bytes_ += bytes;
  loss_ = status;
}

void Output::ConfessLoss() {
  if (loss_.ok()) return;
  absl::Status status =
      log_->AppendLine(logs::Stream::kService,
                       absl::StrCat("The log could not be written: at least ", lost_bytes_,
                                    " bytes of output are lost. ", loss_.message()),
                       /*error=*/true);
  if (!status.ok()) return;
  loss_ = absl::OkStatus();
  lost_bytes_ = 0;
}

}  // namespace trainyard::runner
