// For tests: a gRPC client that knows no generated stub.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <memory>
#include <string>

#include "base/mutex.h"
#include "google/protobuf/message.h"

namespace trainyard::edge {

class TestGrpcClient {
 public:
  // `root_pem`: the certificate to trust.
  TestGrpcClient(int port, const std::string& root_pem);

  // One unary call that may be looked at while it runs.
  class Running {
   public:
    grpc::Status Await() EXCLUDES(mutex_);
    void Cancel() { context_.TryCancel(); }
    // Of a call that has ended well.
    std::string response() const { return response_; }

   private:
    friend class TestGrpcClient;
    grpc::ClientContext context_;
    grpc::ByteBuffer request_buffer_;
    grpc::ByteBuffer response_buffer_;
    std::string response_;
    base::Mutex mutex_;
    base::ConditionVariable changed_;
    bool done_ GUARDED_BY(mutex_) = false;
    grpc::Status status_ GUARDED_BY(mutex_);
  };

  // `timeout` zero: none. An empty credential is not sent.
  std::unique_ptr<Running> Start(const std::string& method, const std::string& request,
                                 const std::string& credential, absl::Duration timeout,
                                 bool compressed = false);
  grpc::Status Call(const std::string& method, const google::protobuf::Message& request,
                    google::protobuf::Message& response);

  // A stream: sends each message, reads one answer to each, and closes; the answers.
  grpc::Status Exchange(const std::string& method, const std::vector<std::string>& requests,
                        const std::string& credential, std::vector<std::string>& answers);
  // Sends one message and reads until the stream ends.
  grpc::Status Watch(const std::string& method, const std::string& request,
                     std::vector<std::string>& answers);
  // Sends one message, waits, and only then asks for the reply.
  grpc::Status CallWithoutReading(const std::string& method, const std::string& request,
                                  absl::Duration wait);

 private:
  std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
};

}  // namespace trainyard::edge
