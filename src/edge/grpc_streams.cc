#include "edge/grpc_streams.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "edge/grpc_call.h"
#include "edge/reflection.h"

namespace trainyard::edge {

// gRPC forbids a read or a write after Finish; the mutex puts them in an order. Starting one never
// runs a reaction on the same stack, so it may be held meanwhile.
class StreamCall : public grpc::ServerGenericBidiReactor {
 public:
  explicit StreamCall(std::shared_ptr<StreamSet> streams)
      : streams_(std::move(streams)), id_(streams_->Add(this)) {}

  void End(const absl::Status& status) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    if (ended_) return;
    ended_ = true;
    Finish(ToGrpcStatus(status));
  }

  void OnCancel() override { End(absl::CancelledError("The call was cancelled.")); }
  void OnDone() override {
    streams_->Remove(id_);
    delete this;
  }

 protected:
  void ReadNext() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    if (!ended_) StartRead(&request_);
  }
  void WriteNext(absl::string_view response) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    if (ended_) return;
    response_ = ToByteBuffer(response);
    StartWrite(&response_);
  }
  std::string TakeRequest() {
    std::string bytes = ToString(request_);
    request_.Clear();
    return bytes;
  }

 private:
  base::Mutex mutex_;
  bool ended_ GUARDED_BY(mutex_) = false;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;

 protected:
  const std::shared_ptr<StreamSet> streams_;
  const uint64_t id_;  // last: from here on the set may end the call
};

uint64_t StreamSet::Add(StreamCall* call) {
  base::MutexLock lock(mutex_);
  calls_.emplace(next_id_, call);
  if (ended_) call->End(absl::UnavailableError("The server is shutting down."));
  return next_id_++;
}

void StreamSet::Remove(uint64_t id) {
  base::MutexLock lock(mutex_);
  calls_.erase(id);
}

void StreamSet::WithCall(uint64_t id, const std::function<void(StreamCall&)>& action) {
  base::MutexLock lock(mutex_);
  auto call = calls_.find(id);
  if (call != calls_.end()) action(*call->second);
}

void StreamSet::EndAll() {
  base::MutexLock lock(mutex_);
  ended_ = true;
  for (auto& [id, call] : calls_) {
    call->End(absl::UnavailableError("The server is shutting down."));
  }
}

namespace {

constexpr absl::string_view kReflection =
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
constexpr absl::string_view kReflectionAlpha =
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
constexpr absl::string_view kWatch = "/grpc.health.v1.Health/Watch";
constexpr absl::string_view kCheck = "/grpc.health.v1.Health/Check";
// HealthCheckResponse with status: SERVICE_UNKNOWN.
constexpr absl::string_view kServiceUnknown = "\x08\x03";

// One answer for each question, in order.
class ReflectionCall : public StreamCall {
 public:
  ReflectionCall(std::shared_ptr<StreamSet> streams, const MethodTable& methods)
      : StreamCall(std::move(streams)), methods_(methods) {
    ReadNext();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return End(absl::OkStatus());
    absl::StatusOr<std::string> answer = AnswerReflection(methods_, TakeRequest());
    if (!answer.ok()) return End(answer.status());
    WriteNext(*answer);
  }
  void OnWriteDone(bool ok) override {
    if (ok) ReadNext();
  }

 private:
  const MethodTable& methods_;
};

// The health of a service never changes while the server runs: one message, then silence.
class WatchCall : public StreamCall {
 public:
  WatchCall(std::shared_ptr<StreamSet> streams, GrpcCall check, Dispatcher& dispatcher)
      : StreamCall(std::move(streams)), check_(std::move(check)), dispatcher_(dispatcher) {
    ReadNext();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return End(absl::InvalidArgumentError("The call brought no request message."));
    check_.request = TakeRequest();
    dispatcher_.DispatchGrpc(
        std::move(check_), [&streams = streams_, id = id_](absl::StatusOr<std::string> health) {
          streams->WithCall(
              id, [&](StreamCall& call) { static_cast<WatchCall&>(call).Answer(health); });
        });
  }

 private:
  void Answer(const absl::StatusOr<std::string>& health) {
    if (health.ok()) return WriteNext(*health);
    if (absl::IsNotFound(health.status())) return WriteNext(kServiceUnknown);
    End(health.status());
  }

  GrpcCall check_;
  Dispatcher& dispatcher_;
};

}  // namespace

bool IsServedStream(absl::string_view method) {
  return method == kReflection || method == kReflectionAlpha || method == kWatch;
}

grpc::ServerGenericBidiReactor* NewStreamCall(const grpc::GenericCallbackServerContext& context,
                                              std::shared_ptr<StreamSet> streams,
                                              const MethodTable& methods, Dispatcher& dispatcher) {
  if (context.method() != kWatch) return new ReflectionCall(std::move(streams), methods);
  GrpcCall check;
  check.method = std::string(kCheck);
  check.authorization = MetadataValue(context, "authorization");
  check.peer = PlainPeerName(context.peer());
  return new WatchCall(std::move(streams), std::move(check), dispatcher);
}

}  // namespace trainyard::edge
