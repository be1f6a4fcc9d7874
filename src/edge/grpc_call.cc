#include "edge/grpc_call.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "edge/errors.h"
#include "edge/http_handler.h"

namespace trainyard::edge {
namespace {

// A smaller one fits into the client's window, whether it reads or not.
constexpr size_t kWatchedReplyBytes = 32 << 10;

absl::Time DeadlineOf(const grpc::CallbackServerContext& context) {
  gpr_timespec deadline = context.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) {
    return absl::InfiniteFuture();
  }
  return absl::FromChrono(context.deadline());
}

class UnaryCall : public grpc::ServerGenericBidiReactor {
 public:
  UnaryCall(grpc::GenericCallbackServerContext& context, const UnaryCallSurroundings& surroundings)
      : context_(context),
        surroundings_(surroundings),
        share_(surroundings.budget),
        turn_(std::make_shared<Turn>(this)) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return FinishEarly(absl::InvalidArgumentError("The call brought no request message."));
    if (!share_.TryGrow(request_.Length())) {
      return FinishEarly(
          absl::ResourceExhaustedError("The server holds too many bytes of requests; try again."));
    }
    GrpcCall call;
    call.method = context_.method();
    call.authorization = MetadataValue(context_, "authorization");
    call.peer = PlainPeerName(context_.peer());
    call.deadline = DeadlineOf(context_);
    call.request = ToString(request_);
    request_.Clear();
    surroundings_.dispatcher.DispatchGrpc(std::move(call),
                                          [turn = turn_](absl::StatusOr<std::string> reply) {
                                            // Taking the turn keeps the call alive until this
                                            // finishes it.
                                            if (UnaryCall* self = turn->Take())
                                              self->Reply(std::move(reply));
                                          });
  }

  // Also when the deadline passes, and when the server gives up waiting at its end.
  void OnCancel() override { FinishEarly(absl::CancelledError("The call was cancelled.")); }

  void OnDone() override {
    if (watched_ != 0) surroundings_.replies.End(watched_);
    delete this;
  }

 private:
  // The reply and the cancellation may come at once, and the reply long after the call has gone:
  // the first to take the turn finishes the call.
  class Turn {
   public:
    explicit Turn(UnaryCall* call) : call_(call) {}
    UnaryCall* Take() EXCLUDES(mutex_) {
      base::MutexLock lock(mutex_);
      return std::exchange(call_, nullptr);
    }

   private:
    base::Mutex mutex_;
    UnaryCall* call_ GUARDED_BY(mutex_);
  };

  void FinishEarly(const absl::Status& status) {
    if (turn_->Take() != nullptr) Finish(ToGrpcStatus(status));
  }

  void Reply(absl::StatusOr<std::string> reply) {
    if (!reply.ok()) return Finish(ToGrpcStatus(reply.status()));
    if (reply->size() > kWatchedReplyBytes) watched_ = surroundings_.replies.Begin(context_);
    response_ = ToByteBuffer(*reply);
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }

  grpc::GenericCallbackServerContext& context_;
  const UnaryCallSurroundings& surroundings_;
  RequestBudget::Share share_;
  const std::shared_ptr<Turn> turn_;
  uint64_t watched_ = 0;  // names the reply among those that the client may not take; 0: none
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

class RefusedCall : public grpc::ServerGenericBidiReactor {
 public:
  explicit RefusedCall(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      StatusDetailsBytes(status));
}

std::string MetadataValue(const grpc::CallbackServerContext& context, absl::string_view name) {
  const auto& metadata = context.client_metadata();
  auto entry = metadata.find(grpc::string_ref(name.data(), name.size()));
  return entry == metadata.end() ? "" : std::string(entry->second.data(), entry->second.size());
}

std::string PlainPeerName(absl::string_view grpc_peer) {
  size_t scheme_end = grpc_peer.find(':');
  if (scheme_end == absl::string_view::npos) return std::string(grpc_peer);
  absl::StatusOr<std::string> decoded =
      PercentDecode(grpc_peer.substr(scheme_end + 1), /*plus_is_space=*/false);
  return decoded.ok() ? *decoded : std::string(grpc_peer);
}

grpc::ByteBuffer ToByteBuffer(absl::string_view bytes) {
  grpc::Slice slice(bytes.data(), bytes.size());
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToString(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  bytes.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

grpc::ServerGenericBidiReactor* NewUnaryCall(grpc::GenericCallbackServerContext& context,
                                             const UnaryCallSurroundings& surroundings) {
  return new UnaryCall(context, surroundings);
}

grpc::ServerGenericBidiReactor* NewRefusedCall(const absl::Status& status) {
  return new RefusedCall(status);
}

}  // namespace trainyard::edge
