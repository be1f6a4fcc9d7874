#include "edge/reflection.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"

namespace trainyard::edge {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;

// A file after all that it imports.
void AddWithImports(const FileDescriptor& file, std::set<const FileDescriptor*>& added,
                    ServerReflectionResponse& response) {
  if (!added.insert(&file).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) {
    AddWithImports(*file.dependency(i), added, response);
  }
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  response.mutable_file_descriptor_response()->add_file_descriptor_proto(proto.SerializeAsString());
}

void NotFound(absl::string_view what, absl::string_view name, ServerReflectionResponse& response) {
  auto* error = response.mutable_error_response();
  error->set_error_code(static_cast<int>(absl::StatusCode::kNotFound));
  error->set_error_message(absl::StrCat(what, " not found: ", name.substr(0, 500)));
}

void AnswerFile(const FileDescriptor* file, absl::string_view what, absl::string_view name,
                ServerReflectionResponse& response) {
  std::set<const FileDescriptor*> added;
  if (file == nullptr) return NotFound(what, name, response);
  AddWithImports(*file, added, response);
}

const FileDescriptor* FileOfExtension(const google::protobuf::DescriptorPool& pool,
                                      const std::string& type_name, int number) {
  const Descriptor* type = pool.FindMessageTypeByName(type_name);
  const FieldDescriptor* extension =
      type == nullptr ? nullptr : pool.FindExtensionByNumber(type, number);
  return extension == nullptr ? nullptr : extension->file();
}

void AnswerExtensionNumbers(const google::protobuf::DescriptorPool& pool, const std::string& name,
                            ServerReflectionResponse& response) {
  const Descriptor* type = pool.FindMessageTypeByName(name);
  if (type == nullptr) return NotFound("Type", name, response);
  std::vector<const FieldDescriptor*> extensions;
  pool.FindAllExtensions(type, &extensions);
  auto* numbers = response.mutable_all_extension_numbers_response();
  numbers->set_base_type_name(name);
  for (const FieldDescriptor* extension : extensions) {
    numbers->add_extension_number(extension->number());
  }
}

absl::StatusOr<HealthCheckResponse::ServingStatus> HealthOf(const MethodTable& table,
                                                            const std::string& service) {
  if (service.empty()) return HealthCheckResponse::SERVING;
  const auto& services = table.services();
  if (std::find(services.begin(), services.end(), service) == services.end()) {
    return absl::NotFoundError(absl::StrCat("Unknown service ", service.substr(0, 500), "."));
  }
  const bool implemented =
      std::any_of(table.methods().begin(), table.methods().end(), [&](const Method* method) {
        return method->implemented && method->descriptor->service()->full_name() == service;
      });
  return implemented ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

}  // namespace

absl::StatusOr<std::string> AnswerReflection(const MethodTable& table, absl::string_view request) {
  ServerReflectionResponse response;
  ServerReflectionRequest& asked = *response.mutable_original_request();
  if (!asked.ParseFromArray(request.data(), static_cast<int>(request.size()))) {
    return absl::InvalidArgumentError("Malformed ServerReflectionRequest.");
  }
  response.set_valid_host(asked.host());
  const auto& pool = table.pool();
  switch (asked.message_request_case()) {
    case ServerReflectionRequest::kFileByFilename:
      AnswerFile(pool.FindFileByName(asked.file_by_filename()), "File", asked.file_by_filename(),
                 response);
      break;
    case ServerReflectionRequest::kFileContainingSymbol:
      AnswerFile(pool.FindFileContainingSymbol(asked.file_containing_symbol()), "Symbol",
                 asked.file_containing_symbol(), response);
      break;
    case ServerReflectionRequest::kFileContainingExtension: {
      const auto& extension = asked.file_containing_extension();
      AnswerFile(FileOfExtension(pool, extension.containing_type(), extension.extension_number()),
                 "Extension",
                 absl::StrCat(extension.containing_type(), ".", extension.extension_number()),
                 response);
      break;
    }
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      AnswerExtensionNumbers(pool, asked.all_extension_numbers_of_type(), response);
      break;
    case ServerReflectionRequest::kListServices:
      for (const std::string& service : table.services()) {
        response.mutable_list_services_response()->add_service()->set_name(service);
      }
      break;
    case ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET: {
      auto* error = response.mutable_error_response();
      error->set_error_code(static_cast<int>(absl::StatusCode::kInvalidArgument));
      error->set_error_message("The request asks for nothing.");
      break;
    }
  }
  return response.SerializeAsString();
}

void RegisterHealth(MethodTable& table) {
  table.Register<HealthCheckRequest>(
      "grpc.health.v1.Health/Check", "", "", /*mutates=*/false,
      [&table](const Call&, const HealthCheckRequest& request, Responder respond) {
        auto health = HealthOf(table, request.service());
        if (!health.ok()) return respond(health.status());
        auto response = std::make_unique<HealthCheckResponse>();
        response->set_status(*health);
        respond(Response(std::move(response)));
      });
}

}  // namespace trainyard::edge
