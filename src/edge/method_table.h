// The method table: for each RPC of the embedded descriptor set its types, HTTP bindings,
// permission, streaming kind and handler. gRPC and REST meet here. The front door of this folder,
// with call.h and http_handler.h.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "edge/call.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace trainyard::edge {

enum class Streaming { kUnary, kServer, kClient, kBidirectional };

// How a method is guarded and run. `Request` is the generated v1 message.
struct Registration {
  std::string permission;  // "aiplatform.customJobs.create"; empty: any authenticated caller
  // The resource the permission is checked on: a field path of the request, "parent" or "name" or
  // "custom_job.name".
  std::string resource_field;
  bool mutates = false;  // audited
  UnaryHandler handler;
  // Checks that the project and the location of the resource are served here. On by default.
  bool check_location = true;
};

struct Method {
  std::string full_name;  // "google.cloud.aiplatform.v1.JobService/CreateCustomJob"
  const google::protobuf::MethodDescriptor* descriptor = nullptr;
  Streaming streaming = Streaming::kUnary;
  bool implemented = false;
  Registration registration;
  // The generated request; null when not implemented. A v1beta1 method that has a v1 twin uses the
  // twin's.
  const google::protobuf::Message* request_prototype = nullptr;
  std::string twin;  // full name of the v1 method that a v1beta1 method stands for
};

// Read-only after the last Register. Threads: any then.
class MethodTable {
 public:
  // Reads the embedded descriptor set (or the given one, serialized FileDescriptorSet).
  static absl::StatusOr<std::unique_ptr<MethodTable>> Create(absl::string_view descriptor_set);

  // `full_name` must be known; its v1beta1 twin, when there is one with the same shape, is
  // registered with it.
  void Register(absl::string_view full_name, const google::protobuf::Message& request_prototype,
                Registration registration);

  // Typed form: the handler gets its own message.
  template <typename Request>
  void Register(absl::string_view full_name, std::string permission, std::string resource_field,
                bool mutates, std::function<void(const Call&, const Request&, Responder)> handler) {
    Registration registration{
        std::move(permission), std::move(resource_field), mutates,
        [handler = std::move(handler)](const Call& call, const google::protobuf::Message& message,
                                       Responder respond) {
          handler(call, static_cast<const Request&>(message), std::move(respond));
        }};
    Register(full_name, Request::default_instance(), std::move(registration));
  }

  const Method* Find(absl::string_view full_name) const;
  const std::vector<const Method*>& methods() const { return sorted_; }
  // Full names, in the order of the descriptor set.
  const std::vector<std::string>& services() const { return services_; }
  const google::protobuf::DescriptorPool& pool() const { return *pool_; }

 private:
  MethodTable() = default;
  void AddService(const google::protobuf::ServiceDescriptor& service);
  void FindTwin(Method& method);

  std::unique_ptr<google::protobuf::DescriptorPool> pool_;
  std::map<std::string, std::unique_ptr<Method>, std::less<>> methods_;
  std::vector<const Method*> sorted_;
  std::vector<std::string> services_;
};

// The descriptor set that is linked into the program.
absl::string_view EmbeddedDescriptorSet();

}  // namespace trainyard::edge
