#include "edge/test_grpc_client.h"

#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "edge/grpc_call.h"
#include "edge/test_server.h"

namespace trainyard::edge {
namespace {

gpr_timespec In(absl::Duration time) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_millis(absl::ToInt64Milliseconds(time), GPR_TIMESPAN));
}

// A stream whose operations are waited for one by one.
class Stream {
 public:
  Stream(grpc::GenericStub& stub, const std::string& method, const std::string& credential) {
    context_.set_deadline(In(absl::Seconds(30)));
    if (!credential.empty()) context_.AddMetadata("authorization", credential);
    call_ = stub.PrepareCall(&context_, method, &queue_);
    call_->StartCall(nullptr);
    Wait();
  }
  bool Write(const std::string& request) {
    call_->Write(ToByteBuffer(request), nullptr);
    return Wait();
  }
  bool Read(std::string& answer) {
    grpc::ByteBuffer buffer;
    call_->Read(&buffer, nullptr);
    if (!Wait()) return false;
    answer = ToString(buffer);
    return true;
  }
  void CloseWrites() {
    call_->WritesDone(nullptr);
    Wait();
  }
  grpc::Status Finish() {
    grpc::Status status;
    call_->Finish(&status, nullptr);
    Wait();
    return status;
  }

 private:
  bool Wait() {
    void* tag = nullptr;
    bool ok = false;
    CHECK(queue_.Next(&tag, &ok));
    return ok;
  }

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

std::shared_ptr<grpc::Channel> Connect(int port, const std::string& root_pem) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = root_pem;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // each client its own connection
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(absl::StrCat("localhost:", port), grpc::SslCredentials(options),
                                   arguments);
}

}  // namespace

TestGrpcClient::TestGrpcClient(int port, const std::string& root_pem)
    : channel_(Connect(port, root_pem)), stub_(channel_) {}

grpc::Status TestGrpcClient::Running::Await() {
  base::MutexLock lock(mutex_);
  while (!done_) changed_.Wait(mutex_);
  if (status_.ok()) response_ = ToString(response_buffer_);
  return status_;
}

std::unique_ptr<TestGrpcClient::Running> TestGrpcClient::Start(const std::string& method,
                                                               const std::string& request,
                                                               const std::string& credential,
                                                               absl::Duration timeout,
                                                               bool compressed) {
  auto call = std::make_unique<Running>();
  if (compressed) call->context_.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  if (timeout > absl::ZeroDuration()) call->context_.set_deadline(In(timeout));
  if (!credential.empty()) call->context_.AddMetadata("authorization", credential);
  call->request_buffer_ = ToByteBuffer(request);
  stub_.UnaryCall(&call->context_, method, grpc::StubOptions(), &call->request_buffer_,
                  &call->response_buffer_, [running = call.get()](grpc::Status status) {
                    base::MutexLock lock(running->mutex_);
                    running->status_ = std::move(status);
                    running->done_ = true;
                    running->changed_.NotifyAll();
                  });
  return call;
}

grpc::Status TestGrpcClient::Call(const std::string& method,
                                  const google::protobuf::Message& request,
                                  google::protobuf::Message& response) {
  std::unique_ptr<Running> call =
      Start(method, request.SerializeAsString(), kGoodCredential, absl::Seconds(30));
  grpc::Status status = call->Await();
  if (status.ok()) CHECK(response.ParseFromString(call->response()));
  return status;
}

grpc::Status TestGrpcClient::Exchange(const std::string& method,
                                      const std::vector<std::string>& requests,
                                      const std::string& credential,
                                      std::vector<std::string>& answers) {
  Stream stream(stub_, method, credential);
  for (const std::string& request : requests) {
    std::string answer;
    if (!stream.Write(request) || !stream.Read(answer)) return stream.Finish();
    answers.push_back(std::move(answer));
  }
  stream.CloseWrites();
  return stream.Finish();
}

grpc::Status TestGrpcClient::Watch(const std::string& method, const std::string& request,
                                   std::vector<std::string>& answers) {
  Stream stream(stub_, method, kGoodCredential);
  if (!stream.Write(request)) return stream.Finish();
  std::string answer;
  while (stream.Read(answer)) answers.push_back(answer);
  return stream.Finish();
}

grpc::Status TestGrpcClient::CallWithoutReading(const std::string& method,
                                                const std::string& request, absl::Duration wait) {
  Stream stream(stub_, method, kGoodCredential);
  if (!stream.Write(request)) return stream.Finish();
  stream.CloseWrites();
  base::Mutex mutex;
  base::ConditionVariable never;
  base::MutexLock lock(mutex);
  never.WaitFor(mutex, wait);
  std::string reply;
  stream.Read(reply);
  return stream.Finish();
}

}  // namespace trainyard::edge
