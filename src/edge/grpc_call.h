// The gRPC side of a unary call.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "edge/dispatcher.h"
#include "edge/reply_watch.h"
#include "edge/request_budget.h"

namespace trainyard::edge {

// The message too, where gRPC has a place for it: grpc-status-details-bin.
grpc::Status ToGrpcStatus(const absl::Status& status);

// The value of the header; empty when absent.
std::string MetadataValue(const grpc::CallbackServerContext& context, absl::string_view name);

// "127.0.0.1:40000" of gRPC's "ipv4:127.0.0.1:40000".
std::string PlainPeerName(absl::string_view grpc_peer);

grpc::ByteBuffer ToByteBuffer(absl::string_view bytes);
std::string ToString(const grpc::ByteBuffer& buffer);

// What unary calls share. All outlive the calls.
struct UnaryCallSurroundings {
  Dispatcher& dispatcher;
  RequestBudget& budget;
  ReplyWatch& replies;
};

// Reads the one message, hands it to the dispatcher, writes the reply. Never blocks. Deletes itself
// when gRPC is done with it.
grpc::ServerGenericBidiReactor* NewUnaryCall(grpc::GenericCallbackServerContext& context,
                                             const UnaryCallSurroundings& surroundings);

// Ends a call that needs no message.
grpc::ServerGenericBidiReactor* NewRefusedCall(const absl::Status& status);

}  // namespace trainyard::edge
