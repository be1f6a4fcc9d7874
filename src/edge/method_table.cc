#include "edge/method_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "edge/resource_check.h"
#include "edge/version_bridge.h"
#include "google/protobuf/descriptor.pb.h"

extern "C" {
extern const char trainyard_descriptors_begin[];
extern const char trainyard_descriptors_end[];
}

namespace trainyard::edge {
namespace {

using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

Streaming StreamingOf(const MethodDescriptor& method) {
  if (method.client_streaming() && method.server_streaming()) return Streaming::kBidirectional;
  if (method.client_streaming()) return Streaming::kClient;
  return method.server_streaming() ? Streaming::kServer : Streaming::kUnary;
}

std::string NameOf(const MethodDescriptor& method) {
  return absl::StrCat(method.service()->full_name(), "/", method.name());
}

// The types of a method and of its namesake in v1 must be twins themselves.
bool SameTypes(const MethodDescriptor& beta, const MethodDescriptor& stable) {
  auto twins = [](const google::protobuf::Descriptor& one,
                  const google::protobuf::Descriptor& other) {
    const std::string name = InVersion(one.full_name(), "v1beta1", "v1");
    return (name.empty() ? one.full_name() : name) == other.full_name() &&
           CheckSameShape(one, other).ok();
  };
  return twins(*beta.input_type(), *stable.input_type()) &&
         twins(*beta.output_type(), *stable.output_type()) &&
         StreamingOf(beta) == StreamingOf(stable);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MethodTable>> MethodTable::Create(absl::string_view descriptor_set) {
  google::protobuf::FileDescriptorSet set;
  if (!set.ParseFromArray(descriptor_set.data(), static_cast<int>(descriptor_set.size()))) {
    return absl::InvalidArgumentError("The descriptor set cannot be parsed.");
  }
  auto table = std::unique_ptr<MethodTable>(new MethodTable());
  table->pool_ = std::make_unique<google::protobuf::DescriptorPool>();
  for (const auto& file : set.file()) {
    const auto* built = table->pool_->BuildFile(file);
    if (built == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("The descriptor set's ", file.name(), " is bad."));
    }
    for (int i = 0; i < built->service_count(); ++i) table->AddService(*built->service(i));
  }
  for (auto& [name, method] : table->methods_) table->sorted_.push_back(method.get());
  for (auto& [name, method] : table->methods_) table->FindTwin(*method);
  return table;
}

void MethodTable::AddService(const ServiceDescriptor& service) {
  services_.push_back(service.full_name());
  for (int i = 0; i < service.method_count(); ++i) {
    auto method = std::make_unique<Method>();
    method->descriptor = service.method(i);
    method->full_name = NameOf(*method->descriptor);
    method->streaming = StreamingOf(*method->descriptor);
    methods_.emplace(method->full_name, std::move(method));
  }
}

void MethodTable::FindTwin(Method& method) {
  const std::string name = InVersion(method.full_name, "v1beta1", "v1");
  auto it = name.empty() ? methods_.end() : methods_.find(name);
  if (it != methods_.end() && SameTypes(*method.descriptor, *it->second->descriptor)) {
    method.twin = it->first;
  }
}

void MethodTable::Register(absl::string_view full_name,
                           const google::protobuf::Message& request_prototype,
                           Registration registration) {
  auto it = methods_.find(full_name);
  CHECK(it != methods_.end());
  Method& method = *it->second;
  CHECK(!method.implemented);
  CHECK(method.streaming == Streaming::kUnary);
  CHECK(request_prototype.GetDescriptor()->full_name() ==
        method.descriptor->input_type()->full_name());
  // A wrong field path ends the program here, not at the first call.
  ResourcesOf(request_prototype, registration.resource_field).status().IgnoreError();
  method.implemented = true;
  method.request_prototype = &request_prototype;
  method.registration = std::move(registration);
  auto beta = methods_.find(InVersion(full_name, "v1", "v1beta1"));
  if (beta == methods_.end() || beta->second->twin != method.full_name) return;
  beta->second->implemented = true;
  beta->second->request_prototype = &request_prototype;
  beta->second->registration = method.registration;
}

const Method* MethodTable::Find(absl::string_view full_name) const {
  auto it = methods_.find(full_name);
  return it == methods_.end() ? nullptr : it->second.get();
}

absl::string_view EmbeddedDescriptorSet() {
  return absl::string_view(
      trainyard_descriptors_begin,
      static_cast<size_t>(trainyard_descriptors_end - trainyard_descriptors_begin));
}

}  // namespace trainyard::edge
